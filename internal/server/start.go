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
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start a keeper: %w", err)
	}
	defer r.Close()
	err = launch(s, int(w.Fd()))
	w.Close()
	if err != nil {
		return fmt.Errorf("start a keeper: %w", err)
	}
	answer, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("hear from the keeper: %w", err)
	}
	err = parseAnswer(string(answer))
	if errors.Is(err, errKeeperGone) {
		s.discard()
	}
	return err
}

// launch starts the keeper of s, which answers by the descriptor answer.
func launch(s *Spec, answer int) error {
	c := config{dir: s.Dir.Path(), name: s.Name, path: s.Path, parent: -1, argv: s.Argv}
	if s.Parent >= 0 {
		fd, err := proc.HandDown(uintptr(s.Parent))
		if err != nil {
			return err
		}
		defer proc.TakeBack(fd)
		c.parent = fd
	}
	in, err := proc.MemFile("mpx-process", c.encode())
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
		Path: "/proc/self/exe", Argv: []string{os.Args[0], KeeperArg, s.Name}, Env: os.Environ(),
		Files: [3]int{in, answer, int(null.Fd())}, Session: true,
	})
	if err != nil {
		return err
	}
	unix.Close(pidfd) // this process ends before the keeper does
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
