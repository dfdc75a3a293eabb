package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// SupervisorArg is the first argument of a process that is a pool's supervisor. The
// name of its pool follows: for ps.
const SupervisorArg = "__pool"

// A PoolSpec says which pool to start.
type PoolSpec struct {
	Dir  *shm.Dir
	Name string
	// Parent is a pidfd: when that process ends, the pool is terminated. −1: none.
	Parent int
	// Words say what the pool is, to the function that Supervise is given.
	Words []string
}

var errSupervisorGone = errors.New("its supervisor was killed as it began")

// StartPool starts a pool, and returns when its supervisor listens, and a first worker
// has been initialized, if there is an initializer. shm.ErrExists: there is an object
// of that name. Whatever the error, nothing is left.
func StartPool(s *PoolSpec) error {
	c := config{dir: s.Dir.Path(), name: s.Name, argv: append([]string{""}, s.Words...)}
	err := again("supervisor", SupervisorArg, &c, s.Parent)
	if errors.Is(err, errKeeperGone) {
		err = errSupervisorGone
		if p, oerr := s.Dir.OpenPool(s.Name); oerr == nil {
			_ = p.Remove() // refused while another's supervisor lives
			p.Close()
		}
	}
	return err
}

// Supervise is the life of a pool's supervisor. args follow SupervisorArg; setup makes
// of PoolSpec.Words what the pool runs. It returns the exit status.
func Supervise(args []string, setup func(words []string) (*PoolSetup, error)) int {
	s, err := openPool(args, setup)
	if err == nil {
		err = s.begin()
	}
	answer := []byte(answerOf(err))
	_, werr := unix.Write(answerFD, answer)
	if s == nil {
		return exitFault
	}
	if err == nil && (werr != nil || letGo(nil) != nil) { // nobody knows of it
		s.change(func() { s.abandoned = true })
		s.terminate()
	}
	if err == nil {
		s.run()
	}
	s.leave()
	if err != nil {
		return exitFault
	}
	return exitOK
}

// openPool reads what to do, lets go of what it has inherited, makes the pool's record
// and opens its door. An error leaves nothing.
func openPool(args []string, setup func(words []string) (*PoolSetup, error)) (*supervisor, error) {
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	cfg, err := parseConfig(b)
	if err != nil || len(args) != 1 {
		return nil, errors.Join(errors.New("this command is mpx's own; see mpx pool --help"), err)
	}
	proc.SetName("mpx-pool")
	var parent <-chan struct{}
	if cfg.parent >= 0 {
		unix.CloseOnExec(cfg.parent)
		parent = ended(cfg.parent)
	}
	proc.DropInherited()
	ps, err := setup(cfg.argv[1:])
	if err != nil {
		return nil, err
	}
	dir, err := shm.OpenDir(cfg.dir)
	if err != nil {
		return nil, err
	}
	var door *listener
	var log *os.File
	record, err := dir.MakePool(cfg.name, func(side string) (err error) {
		if door, err = listen(side); err != nil {
			return err
		}
		log, err = os.OpenFile(side+"/log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	useProcessors(ps.Config.Jobs)
	s, err := newSupervisor(ps, record, door)
	if err == nil {
		err = letGo(log)
	}
	if err != nil {
		return nil, errors.Join(err, record.Discard())
	}
	s.parent = parent
	return s, nil
}

// useProcessors has this process use no more processors than so many workers keep busy. A
// task passes through a dozen goroutines here, and where there is another processor each
// of them wakes a thread for the next: a third of the time that apply takes.
func useProcessors(jobs int) {
	if jobs > 0 {
		runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), 1+jobs/workersEach))
	}
}

// workersEach is how many workers one processor is enough for.
const workersEach = 8

// letGo puts /dev/null in the place of stdin and log in that of stderr; without a log
// stderr in the place of stdout, where the answer has gone.
func letGo(log *os.File) error {
	if log == nil {
		return unix.Dup3(2, 1, 0)
	}
	null, err := devNull()
	if err != nil {
		return err
	}
	defer null.Close()
	return errors.Join(unix.Dup3(int(null.Fd()), 0, 0), unix.Dup3(int(log.Fd()), 2, 0))
}

// begin lets clients in and waits for the first worker.
func (s *supervisor) begin() error {
	proc.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a client that has hung up is an error
	for _, sig := range passed {
		if !signal.Ignored(sig) { // tasks inherit that
			signal.Notify(s.signals, sig)
		}
	}
	go s.collect()
	go s.watch()
	go s.admit()
	c := &s.setup.Config
	if len(c.Initializer) > 0 || c.Warms {
		if err := s.warm(); err != nil {
			return err
		}
	}
	return s.record.Set(shm.PoolRunning)
}

// warm waits for the first worker, unless nobody waits for the pool any more.
func (s *supervisor) warm() error {
	warm := make(chan error, 1)
	go func() { warm <- s.pool.Warm() }()
	alone, enough, err := unread(answerFD)
	if err != nil {
		return err
	}
	defer enough()
	select {
	case err = <-warm:
		return err
	case <-alone:
		err = errors.New("who started it has gone")
	case <-s.signals:
		err = errors.New("its supervisor was told to end")
	case <-s.parent:
		err = errors.New("the process to die with has ended")
	}
	s.terminate()
	<-s.joined
	return err
}

// unread returns a channel that is closed when nobody reads the pipe fd any more. The
// caller calls enough: a pipe is not closed for good while somebody polls it.
func unread(fd int32) (gone <-chan struct{}, enough func(), err error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("make an eventfd: %w", err)
	}
	c, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		fds := []unix.PollFd{{Fd: fd}, {Fd: int32(wake), Events: unix.POLLIN}} // POLLERR is always watched
		if _, err := proc.SlowPoll(fds, -1); err == nil && fds[0].Revents != 0 {
			close(c)
		}
	}()
	return c, func() {
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-over
		unix.Close(wake)
	}, nil
}

// leave takes the name away. What still runs ends with this process.
func (s *supervisor) leave() {
	_ = s.record.Set(shm.PoolEnded) // an error: another program has cut the file
	_ = s.record.Discard()          // it may have been removed by hand
	s.door.close()
}
