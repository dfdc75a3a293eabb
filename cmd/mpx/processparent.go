package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

type processStartOptions struct{ parent parentFlag }

// A parentFlag is --die-with-parent: "" without it, else a pid, or theParent.
type parentFlag string

// theParent is the value of the flag when it has none. Help shows it as what it may
// have.
const theParent = "PID"

func (p *parentFlag) String() string { return string(*p) }

// Type has help show no other value.
func (p *parentFlag) Type() string { return "bool" }

func (p *parentFlag) Set(s string) error {
	if s == "" {
		return errors.New("the pid is missing")
	}
	*p = parentFlag(s)
	return nil
}

// open returns a pidfd of the process that the new one dies with; −1: there is none.
func (o *processStartOptions) open() (pidfd int, err error) {
	if o.parent == "" {
		return -1, nil
	}
	if o.parent == theParent {
		return openParent()
	}
	pid, err := strconv.Atoi(string(o.parent))
	if err != nil || pid < 1 {
		return -1, usagef("--die-with-parent alone, or =PID, a number: --die-with-parent=$$", "--die-with-parent=%s makes no sense", o.parent)
	}
	pidfd, err = unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, usagef("the pid of one that runs", "--die-with-parent=%d: there is no process %d", pid, pid)
	}
	if err != nil {
		return -1, fmt.Errorf("watch process %d, to die with it: %w", pid, err)
	}
	return pidfd, nil
}

// openParent returns a pidfd of the process that ran this one. If that has ended by
// now, so has what was to be started.
func openParent() (pidfd int, err error) {
	pid := os.Getppid()
	if pid == 0 {
		return -1, usagef("--die-with-parent=PID", "the process that ran this one cannot be seen from here")
	}
	if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
		return -1, fmt.Errorf("watch process %d, to die with it: %w", pid, err)
	}
	if os.Getppid() != pid || adopted(pid) {
		unix.Close(pidfd)
		return -1, errors.New("the process to die with has ended already")
	}
	return pidfd, nil
}

// adopted reports whether the parent has not started this process, but taken it in
// as an orphan. Who starts one is in the same session, unless that begins with it. An
// init of the same session cannot be told from a parent.
func adopted(parent int) bool {
	own, err := unix.Getsid(0)
	if err != nil || own == os.Getpid() {
		return false
	}
	sid, err := unix.Getsid(parent)
	return err == nil && sid != own
}
