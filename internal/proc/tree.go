package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// AnyChild reports whether this process has children, the dead but unreaped
// ones too. None is reaped.
func AnyChild() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return !errors.Is(err, unix.ECHILD)
}

// Children returns the pids of pid's children, the dead but unreaped ones too.
func Children(pid int) []int {
	base := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, err := os.ReadDir(base)
	if err != nil {
		return nil
	}
	var pids []int
	for _, t := range threads {
		b, err := os.ReadFile(base + "/" + t.Name() + "/children")
		if err != nil {
			if _, gone := os.Stat(base + "/" + t.Name()); gone == nil {
				return childrenByScan(pid) // a kernel without CONFIG_PROC_CHILDREN
			}
			continue
		}
		for _, f := range bytes.Fields(b) {
			if n, err := strconv.Atoi(string(f)); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

func childrenByScan(parent int) []int {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if st, err := ReadStat(pid); err == nil && st.Parent == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Descendants returns everything below pid, parents before their children.
func Descendants(pid int) []int {
	all := Children(pid)
	for i := 0; i < len(all); i++ {
		all = append(all, Children(all[i])...)
	}
	return all
}

// A Stat is what /proc/PID/stat says of a process.
type Stat struct {
	State                  byte // R, S, D, T, Z …
	Parent, Group, Session int
}

// ReadStat returns the state of process pid.
func ReadStat(pid int) (Stat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, err
	}
	// The name, in parentheses, may hold anything; what follows its last ) not.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 4 {
		return Stat{}, fmt.Errorf("read stat of process %d: malformed", pid)
	}
	s := Stat{State: f[0][0]}
	for i, p := range []*int{&s.Parent, &s.Group, &s.Session} {
		if *p, err = strconv.Atoi(f[i+1]); err != nil {
			return Stat{}, fmt.Errorf("read stat of process %d: %w", pid, err)
		}
	}
	return s, nil
}

// SignalAll sends sig to each of pids. Processes that are gone are no error.
func SignalAll(pids []int, sig syscall.Signal) {
	for _, p := range pids {
		_ = syscall.Kill(p, sig)
	}
}

// Reaped is told of a child that has been reaped.
type Reaped func(pid int, ws syscall.WaitStatus, ru *syscall.Rusage)

// EndChildren ends every child of this process that mine accepts, with all
// that is below it, and reaps it. It stops each generation before it kills it,
// so that little is born meanwhile: only what is being forked at that instant.
// That and orphans come to this process, a subreaper, and are the next
// generation, if mine accepts them. It gives up after limit, which only processes
// that cannot be killed (another user's, or stuck in the kernel) make it reach,
// and returns how many are left. Each child's status goes to reaped.
func EndChildren(mine func(pid int) bool, limit time.Duration, reaped Reaped) (left int) {
	deadline := time.Now().Add(limit)
	for late := false; ; late = time.Now().After(deadline) {
		roots := slices.DeleteFunc(Children(os.Getpid()), func(p int) bool { return !mine(p) })
		if late || len(roots) == 0 {
			return len(roots)
		}
		KillTrees(roots)
		for _, p := range roots {
			reapWithin(p, time.Until(deadline), reaped)
		}
	}
}

// KillTrees stops everything at and below roots, then kills it.
func KillTrees(roots []int) {
	seen := map[int]bool{}
	all := roots
	for grown := true; grown; {
		grown = false
		for i := 0; i < len(all); i++ {
			p := all[i]
			if !seen[p] {
				seen[p], grown = true, true
				_ = syscall.Kill(p, syscall.SIGSTOP)
			}
			for _, c := range Children(p) {
				if !seen[c] {
					seen[c], grown = true, true
					_ = syscall.Kill(c, syscall.SIGSTOP)
					all = append(all, c)
				}
			}
		}
	}
	SignalAll(all, syscall.SIGKILL)
}

// reapWithin waits for child pid to end, at most limit, and reaps it.
func reapWithin(pid int, limit time.Duration, reaped Reaped) {
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		waitReadable(fd, limit)
		unix.Close(fd)
	}
	var ws syscall.WaitStatus
	var ru syscall.Rusage
	if got, err := syscall.Wait4(pid, &ws, syscall.WNOHANG, &ru); err == nil && got == pid && reaped != nil {
		reaped(pid, ws, &ru)
	}
}

func waitReadable(fd int, limit time.Duration) {
	end := time.Now().Add(limit)
	for left := limit; left > 0; left = time.Until(end) {
		if n, err := SlowPoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, left); n > 0 || err != nil {
			return
		}
	}
}
