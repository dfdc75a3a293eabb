package shm

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// holders corrects the list of the parties of a lock that is not l's own: of a free lock nobody is the
// holder, though who was still lives; and when the listed holder has ended, those
// that have inherited its open file are.
func (l *Lock) holders(list []Party) ([]Party, error) {
	held, err := l.Held()
	if err != nil {
		return nil, err
	}
	var waits []Party
	for _, p := range list {
		switch {
		case p.Role != Holds:
			waits = append(waits, p)
		case held:
			return list, nil
		}
	}
	if !held {
		return waits, nil
	}
	return append(l.heirs(), waits...), nil
}

// heirs returns the processes that have the lock through an inherited descriptor, as
// far as the caller may look into them. Since when is not known.
func (l *Lock) heirs() (list []Party) {
	var st unix.Stat_t
	procs, err := os.ReadDir("/proc")
	if err != nil || unix.Fstat(int(l.f.Fd()), &st) != nil {
		return nil
	}
	for _, p := range procs {
		if pid, err := strconv.Atoi(p.Name()); err == nil && l.isHeir(p.Name(), st.Ino) {
			list = append(list, Party{Holds, pid, time.Time{}})
		}
	}
	return list
}

// isHeir reports whether one of the descriptors of the process pid has the lock. What
// the kernel says of a descriptor's locks has the file's inode; its path is that of
// the directory for who made the file.
func (l *Lock) isHeir(pid string, inode uint64) bool {
	dir := "/proc/" + pid + "/fdinfo/"
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	mark := fmt.Sprintf(":%d %d ", inode, int64(lockByte))
	for _, fd := range fds {
		info, err := os.ReadFile(dir + fd.Name())
		if err == nil && strings.Contains(string(info), mark) {
			return true
		}
	}
	return false
}

// HeldAbove reports whether the lock name is held by this process or by one that has
// started it: to wait for it would be for ever. Either the descriptor has been
// inherited, or the listed holder is an ancestor, as not all inherit descriptors. What
// is above a process that outlives who has started it does not wait for this one.
func (d *Dir) HeldAbove(name string, outlives func(pid int) bool) (bool, error) {
	o, err := d.Open(name, KindLock)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer o.Close()
	l := &Lock{o}
	var st unix.Stat_t
	if err := unix.Fstat(int(l.f.Fd()), &st); err != nil {
		return false, err
	}
	if l.isHeir("self", st.Ino) {
		return true, nil
	}
	list, err := l.Parties()
	return slices.ContainsFunc(list, func(p Party) bool { return p.Role == Holds && isAncestor(p.PID, outlives) }), err
}

// isAncestor reports whether pid is this process or one of those above it, up to one
// that outlives its own.
func isAncestor(pid int, outlives func(pid int) bool) bool {
	for p := unix.Getpid(); p > 0 && !outlives(p); p = parentOf(p) {
		if p == pid {
			return true
		}
	}
	return false
}
