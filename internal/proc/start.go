// Package proc starts processes, watches them, ends whole trees of them and
// reaps them. It knows nothing of pools and tasks.
package proc

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Spec says how to start a process.
type Spec struct {
	Path  string // the file to execute; PATH is not searched
	Argv  []string
	Env   []string
	Files [3]int // descriptors for its stdin, stdout and stderr
	// Session makes it the leader of a new session, out of reach of the
	// terminal and of signals to the caller's process group.
	Session bool
	// DieWithThread has the kernel SIGKILL it when the calling thread ends. The
	// caller must have locked that thread for the rest of its life.
	DieWithThread bool
}

// Start starts a process and returns its pid and a pidfd, close-on-exec, that
// becomes readable when the process ends. The error is a syscall.Errno.
//
// It is syscall.ForkExec rather than os/exec: that costs a fifth more a task,
// and takes a goroutine for each pipe.
func Start(s *Spec) (pid, pidfd int, err error) {
	attr := &syscall.SysProcAttr{Setsid: s.Session, PidFD: &pidfd}
	if s.DieWithThread {
		attr.Pdeathsig = syscall.SIGKILL
	}
	pidfd = -1
	files := [3]uintptr{uintptr(s.Files[0]), uintptr(s.Files[1]), uintptr(s.Files[2])}
	extra, err := keepClear(&files)
	if err != nil {
		return 0, -1, err
	}
	if extra >= 0 {
		defer unix.Close(extra)
	}
	pid, err = syscall.ForkExec(s.Path, s.Argv, &syscall.ProcAttr{Env: s.Env, Files: files[:], Sys: attr})
	if err != nil {
		return 0, -1, err
	}
	if pidfd < 0 { // a kernel or sandbox without CLONE_PIDFD
		if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
			return 0, -1, err
		}
	}
	return pid, pidfd, nil
}

// OutOfResources reports whether err, from Start, says that the machine or a
// limit has no room for another process: not the fault of what was started.
func OutOfResources(err error) bool {
	for _, e := range []error{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// BecomeSubreaper makes orphans among the caller's descendants its children.
func BecomeSubreaper() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// SetName sets what ps shows as the command's name, up to 15 bytes.
func SetName(name string) { _ = setName(name) }
