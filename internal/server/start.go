package server

import (
	"errors"
	"fmt"
	"io"
	"os"

	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// Start starts a process, and returns when its command runs. shm.ErrExists: there is
// an object of that name. A *RunError: the command cannot be run. Whatever the error,
// nothing is left.
func Start(s *Spec) error {
	c := config{dir: s.Dir.Path(), name: s.Name, path: s.Path, argv: s.Argv}
	err := again("keeper", KeeperArg, &c, s.Parent)
	if errors.Is(err, errKeeperGone) {
		s.discard()
	}
	return err
}

// again starts this program again, in a session of its own, as who, which arg makes it,
// and returns what it answers. parent is a pidfd that it is to have; −1: none.
func again(who, arg string, c *config, parent int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start a %s: %w", who, err)
	}
	defer r.Close()
	err = launch(arg, c, parent, int(w.Fd()))
	w.Close()
	if err != nil {
		return fmt.Errorf("start a %s: %w", who, err)
	}
	answer, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("hear from the %s: %w", who, err)
	}
	return parseAnswer(string(answer))
}

// launch is the start of again: it answers by the descriptor answer.
func launch(arg string, c *config, parent, answer int) error {
	c.parent = -1
	if parent >= 0 {
		fd, err := proc.HandDown(uintptr(parent))
		if err != nil {
			return err
		}
		defer proc.TakeBack(fd)
		c.parent = fd
	}
	in, err := proc.MemFile("mpx-config", c.encode())
	if err != nil {
		return err
	}
	defer unix.Close(in)
	null, err := devNull()
	if err != nil {
		return err
	}
	defer null.Close()
	_, pidfd, err := proc.Start(&proc.Spec{
		Path: "/proc/self/exe", Argv: []string{os.Args[0], arg, c.name}, Env: shm.HeldEnv(nil),
		Files: [3]int{in, answer, int(null.Fd())}, Session: true,
	})
	if err != nil {
		return err
	}
	unix.Close(pidfd) // this process ends before the other does
	return nil
}

// discard removes what a keeper has left that was killed before its command ran.
func (s *Spec) discard() {
	p, err := s.Dir.OpenProcess(s.Name)
	if err != nil {
		return
	}
	defer p.Close()
	if i, err := p.Look(); err == nil && i.State == shm.ProcessLost && i.PID == 0 {
		_ = p.Remove()
	}
}
