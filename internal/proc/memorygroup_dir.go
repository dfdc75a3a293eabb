package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// removeLimit is how long the processes in a group may take to leave it.
const removeLimit = time.Second

// makeGroup makes the group dir, held to limit.
func makeGroup(dir string, limit int64, v1 bool) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make a memory group: %w", err)
	}
	text, file := strconv.FormatInt(limit, 10), "/memory.max"
	// Besides: swap is not to make up for memory, and over the limit all of the
	// group ends. Not every kernel has these.
	besides := [][2]string{{"/memory.swap.max", "0"}, {"/memory.oom.group", "1"}}
	if v1 {
		file = "/memory.limit_in_bytes"
		besides = [][2]string{{"/memory.memsw.limit_in_bytes", text}, {"/memory.oom_control", "0"}}
	}
	if err := writeGroup(dir+file, text); err != nil {
		_ = unix.Rmdir(dir)
		return fmt.Errorf("limit a memory group: %w", err)
	}
	for _, b := range besides {
		_ = writeGroup(dir+b[0], b[1])
	}
	return nil
}

// RemoveMemoryGroup removes a group that Make has made, with those that were
// made in it. What is left there is killed, or else moves to where the one who
// made the group is. One that is gone is no error.
func RemoveMemoryGroup(dir string, kill bool) error {
	home := homeOf(dir)
	for end := time.Now().Add(removeLimit); ; time.Sleep(time.Millisecond) {
		err := removeTree(dir)
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("remove memory group %s: %w", dir, err)
		}
		for _, d := range append(subgroups(dir), dir) {
			if kill {
				killGroup(d)
			} else {
				_ = moveAll(d, home)
			}
		}
	}
}

// homeOf returns the cgroup of the process that has made the group dir: the
// leaf that it took to, if it did, see MemoryGroups.enable.
func homeOf(dir string) string {
	leaf := dir[:max(0, strings.LastIndexByte(dir, '-'))]
	if st, err := os.Stat(leaf); err == nil && st.IsDir() {
		return leaf
	}
	return filepath.Dir(dir)
}

// removeTree removes the empty group dir, with the empty ones below it.
func removeTree(dir string) error {
	err := unix.Rmdir(dir)
	if below := subgroups(dir); err != nil && len(below) > 0 {
		for _, d := range below {
			_ = removeTree(d)
		}
		err = unix.Rmdir(dir)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// subgroups returns the groups directly in dir.
func subgroups(dir string) (dirs []string) {
	all, _ := os.ReadDir(dir)
	for _, e := range all {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(dir, e.Name()))
		}
	}
	return dirs
}

// moveAll moves the processes of one group to another.
func moveAll(from, to string) error {
	for range 100 { // they fork
		pids, err := groupPids(from)
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if pid <= 0 { // of another namespace, and 0 would mean this process
				return fmt.Errorf("move a process out of %s: it has no pid here", from)
			}
			err := writeGroup(to+"/cgroup.procs", strconv.Itoa(pid))
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("move process %d: %w", pid, err)
			}
		}
	}
	return fmt.Errorf("move all processes out of %s: more and more come", from)
}

func killGroup(dir string) {
	pids, _ := groupPids(dir)
	for _, pid := range pids {
		if pid > 0 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// groupPids returns the processes in the group dir.
func groupPids(dir string) (pids []int, err error) {
	b, err := os.ReadFile(dir + "/cgroup.procs")
	for _, f := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, err
}

// lists reports whether word is in the file at path.
func lists(path, word string) bool {
	b, err := os.ReadFile(path)
	return err == nil && slices.Contains(strings.Fields(string(b)), word)
}

// writeGroup writes to a file of a group, which must exist. It is not done by
// package os, which would have a worker's runtime watch the file.
func writeGroup(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		unix.Close(fd)
	}
	if err != nil {
		return &os.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}
