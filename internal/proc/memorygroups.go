package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// MemoryGroups is a cgroup in which this process may make others, to limit the
// memory of all processes in each together. The calls are safe for use by
// several goroutines, and on a nil *MemoryGroups Close does nothing.
type MemoryGroups struct {
	own  string // where groups are made
	home string // where this process is: own, or a leaf of it
	v1   bool
}

// OpenMemoryGroups returns where this process may make memory groups. The
// error says why it may not. In a hierarchy of version 2 it takes to a leaf of
// its cgroup first, with its children: where memory is shared out to groups, no
// process may stay beside them (cgroups(7), "no internal processes").
func OpenMemoryGroups() (*MemoryGroups, error) {
	m, err := chooseGroup(ownGroups(), os.Getpid())
	if err == nil {
		err = m.enable("memory")
	}
	if err != nil {
		return nil, fmt.Errorf("find a memory cgroup of one's own: %w", err)
	}
	m.removeStale()
	return m, nil
}

// chooseGroup returns the one of groups that process pid is in, if it may be
// divided. That it is listed there proves that what is mounted is what
// /proc/self/cgroup speaks of.
func chooseGroup(groups []cgroup, pid int) (*MemoryGroups, error) {
	for _, g := range groups {
		if !g.v1 && !lists(g.dir+"/cgroup.controllers", "memory") {
			continue
		}
		if pids, err := groupPids(g.dir); err == nil && slices.Contains(pids, pid) {
			return &MemoryGroups{own: g.dir, home: g.dir, v1: g.v1}, g.divisible()
		}
	}
	return nil, errors.New("none is to be seen")
}

// divisible returns an error unless this process may make groups in g.
func (g cgroup) divisible() error {
	needed := []string{".", "cgroup.procs"}
	if !g.v1 {
		needed = append(needed, "cgroup.subtree_control")
	}
	for _, name := range needed {
		path := filepath.Join(g.dir, name)
		if err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}

// enable has controller be at work in the groups to come. Where it is already
// and this process is beside them, that is the root, whose processes bind nothing.
func (m *MemoryGroups) enable(controller string) error {
	control := m.own + "/cgroup.subtree_control"
	if m.v1 || lists(control, controller) {
		return nil
	}
	if err := m.alone(); err != nil {
		return err
	}
	leaf := fmt.Sprintf("%s/mpx-%d", m.own, os.Getpid())
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	m.home = leaf
	err := moveAll(m.own, leaf)
	if err == nil {
		err = writeGroup(control, "+"+controller)
	}
	if err != nil {
		m.disable(controller)
	}
	return err
}

// alone returns an error if processes that are not of this one's tree are in
// its cgroup: they are not its to move.
func (m *MemoryGroups) alone() error {
	pids, err := groupPids(m.own)
	mine := append(Descendants(os.Getpid()), os.Getpid())
	for _, pid := range pids {
		if !slices.Contains(mine, pid) {
			return fmt.Errorf("process %d is in %s, too", pid, m.own)
		}
	}
	return err
}

// disable undoes enable.
func (m *MemoryGroups) disable(controller string) {
	_ = writeGroup(m.own+"/cgroup.subtree_control", "-"+controller)
	_ = moveAll(m.home, m.own)
	_ = unix.Rmdir(m.home)
	m.home = m.own
}

// Close takes this process, and what it has started, back to where it was. The
// groups must have been removed.
func (m *MemoryGroups) Close() {
	if m != nil && m.home != m.own {
		m.disable("memory")
	}
}

var groupsMade atomic.Int64 // by this process, whatever they were for

// Make makes a group that is held to limit, in bytes, and returns its
// directory: to RemoveMemoryGroup.
func (m *MemoryGroups) Make(limit int64) (dir string, err error) {
	for {
		dir = fmt.Sprintf("%s/mpx-%d-%d", m.own, os.Getpid(), groupsMade.Add(1))
		err = makeGroup(dir, limit, m.v1)
		if !errors.Is(err, fs.ErrExist) { // else one of a dead process that had this number
			return dir, err
		}
	}
}

// removeStale removes the empty groups of processes that are gone: they were
// killed, and those in the groups with them.
func (m *MemoryGroups) removeStale() {
	for _, dir := range subgroups(m.own) {
		name, ok := strings.CutPrefix(filepath.Base(dir), "mpx-")
		name, _, _ = strings.Cut(name, "-")
		pid, err := strconv.Atoi(name)
		if ok && err == nil && pid > 0 && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = removeTree(dir)
		}
	}
}
