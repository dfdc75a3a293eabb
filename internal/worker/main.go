// Package worker is a worker's side of the pool: its loop, and the functions
// that the supervisor calls by name. It knows the supervisor only as the two
// pipes that are its stdin and stdout, and as the board they share.
package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// Exit statuses of a worker, for its supervisor only.
const (
	exitOK     = 0
	exitFault  = 125
	exitMisuse = 2
)

// Main is the life of a worker. args follow ipc.WorkerArg. It returns the exit status.
func Main(args []string) int {
	runtime.LockOSThread() // tasks die with the thread that started them
	s, err := newSession(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mpx: worker:", err)
		fmt.Fprintln(os.Stderr, "mpx: hint: this command is mpx's own; see mpx --help")
		return exitMisuse
	}
	if err := s.run(); err != nil && !errors.Is(err, errSupervisorGone) {
		s.commit(func(b []byte) []byte { return ipc.AppendFault(b, err.Error()) })
		_ = s.flush()
		return exitFault
	} else if err != nil {
		s.removeGroup()
	}
	return exitOK
}

var errSupervisorGone = errors.New("the supervisor is gone")

func newSession(args []string) (*session, error) {
	if len(args) != 1 {
		return nil, errors.New("no board named")
	}
	fd, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, fmt.Errorf("board descriptor: %w", err)
	}
	unix.CloseOnExec(fd) // before anything can be started
	unix.CloseOnExec(requestFD)
	unix.CloseOnExec(resultFD)
	board, err := shm.OpenBoard(fd)
	if err != nil {
		return nil, err
	}
	unix.Close(fd)
	for _, fd := range []int{requestFD, resultFD} {
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, err
		}
	}
	proc.SetName("mpx-worker")
	if err := proc.BecomeSubreaper(); err != nil {
		return nil, fmt.Errorf("become subreaper: %w", err)
	}
	s := &session{board: board, out: board.NewOutbox(), in: ipc.NewDecoder(8 << 10)}
	s.commit(func(b []byte) []byte { return ipc.AppendHello(b, os.Getpid()) })
	return s, nil
}

// run reads the configuration and lives by it.
func (s *session) run() error {
	if err := s.configure(); err != nil {
		return err
	}
	if err := addNice(s.cfg.Nice); err != nil {
		return err
	}
	if err := s.openJobserver(); err != nil {
		return err
	}
	defer s.dropToken() // when the task's processes are dead; its supervisor gives back what fails here
	if s.cfg.Terminal {
		sharesTerminal()
	}
	f, ok := functions[s.cfg.Function]
	if !ok {
		return fmt.Errorf("no function named %q", s.cfg.Function)
	}
	for _, fd := range []int{s.cfg.Stdin, s.cfg.Stdout, s.cfg.Stderr, s.cfg.Keep} {
		if fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	if f.compute != nil {
		c, err := f.compute(s.cfg.Args)
		if err != nil {
			return err
		}
		r, err := newComputer(s, c)
		if err == nil && len(s.cfg.Initializer) > 0 {
			r, err = newPrologue(s, r)
		}
		if err != nil {
			return err
		}
		return s.loop(r)
	}
	r, err := f.runner(s)
	if err != nil {
		return err
	}
	return s.loop(r)
}

// sharesTerminal keeps this process alive and running through the signals of a
// terminal that it shares with its task: what they mean for the pool is the
// supervisor's to say. Ignored, they would be ignored by tasks, too.
func sharesTerminal() {
	proc.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
}

// configure waits for the whole CONFIG.
func (s *session) configure() error {
	var data []byte
	for {
		kind, body, ok, err := s.in.Next()
		if err != nil {
			return err
		}
		if !ok {
			if err := s.await(); err != nil {
				return err
			}
			continue
		}
		if kind != ipc.KindConfig {
			return fmt.Errorf("%w: kind %d before CONFIG", ipc.ErrMalformed, kind)
		}
		piece, last, err := ipc.ParseConfig(body)
		if err != nil {
			return err
		}
		if data = append(data, piece...); last {
			return json.Unmarshal(data, &s.cfg)
		}
	}
}

// await blocks until something has been read.
func (s *session) await() error {
	fds := []unix.PollFd{{Fd: requestFD, Events: unix.POLLIN}}
	if _, err := proc.Poll(fds, -1); err != nil {
		return err
	}
	n, err := s.in.Fill(func(b []byte) (int, error) { return proc.Read(requestFD, b) })
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err == nil && n == 0 || errors.Is(err, io.EOF) {
		return errSupervisorGone
	}
	return err
}
