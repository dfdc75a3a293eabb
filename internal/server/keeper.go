package server

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// Exit statuses of a keeper. Nobody waits for it.
const (
	exitOK     = 0
	exitMisuse = 2
	exitFault  = 125
)

// answerFD is where the keeper's answer goes.
const answerFD = 1

// killSignal has the keeper kill its process with all that it has started. Others
// (passed) it passes on to them.
const killSignal = syscall.SIGUSR2

var passed = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}

// grace is how long what dies with its parent has between TERM and KILL.
const grace = time.Second

// killLimit is how long to try to kill what cannot be killed.
const killLimit = 5 * time.Second

// A keeper owns a named process: it alone starts it, signals it, reaps it, and writes
// its record. All of that happens in one goroutine, on the thread that the command
// dies with.
//
// The plan: start the command, and answer. Reap whatever ends, as orphans come to a
// subreaper. Pass signals on to all that is below. When the command is over, write
// that down and leave: what it has left behind lives on.
type keeper struct {
	cfg    config
	record *shm.Process

	pid    int // of the command
	over   bool
	status syscall.WaitStatus // when it is over

	children chan os.Signal // one has ended
	orders   chan os.Signal
	parent   <-chan struct{}  // closed when the parent has ended; nil: of no interest
	kill     <-chan time.Time // nil: nothing is to be killed
}

// Main is the life of a keeper. args follow KeeperArg. It returns the exit status.
func Main(args []string) int {
	runtime.LockOSThread() // the command dies with the thread that started it
	k, err := newKeeper(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mpx: keeper:", err)
		fmt.Fprintln(os.Stderr, "mpx: hint: this command is mpx's own; see mpx process --help")
		return exitMisuse
	}
	err = k.start()
	_, _ = unix.Write(answerFD, []byte(answerOf(err))) // an error: nobody waits for it any more
	if err != nil {
		return exitFault
	}
	if err := k.detach(); err != nil {
		return exitFault // the command goes, too, and its record is lost
	}
	k.keep()
	_ = k.record.End(k.status) // an error: another program has cut the file
	return exitOK
}

func newKeeper(args []string) (*keeper, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("%d arguments", len(args))
	}
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	k := &keeper{children: make(chan os.Signal, 1), orders: make(chan os.Signal, 16)}
	if k.cfg, err = parseConfig(b); err != nil {
		return nil, err
	}
	proc.SetName("mpx-keeper")
	if k.cfg.parent >= 0 {
		unix.CloseOnExec(k.cfg.parent) // before anything can be started
		k.parent = ended(k.cfg.parent)
	}
	for _, fd := range shm.InheritedLocks() { // start's own, which ends with start
		proc.TakeBack(fd)
	}
	signal.Notify(k.children, syscall.SIGCHLD)
	signal.Notify(k.orders, killSignal)
	for _, s := range passed {
		if !signal.Ignored(s) { // else the command would not inherit that
			signal.Notify(k.orders, s)
		}
	}
	return k, nil
}

// ended returns a channel that is closed when the process behind pidfd has ended.
func ended(pidfd int) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		defer close(c)
		_ = await([]int{pidfd}, shm.Wait{})
	}()
	return c
}

// start starts the command. An error leaves nothing of it.
func (k *keeper) start() error {
	if err := proc.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	dir, err := shm.OpenDir(k.cfg.dir)
	if err != nil {
		return err
	}
	if k.record, err = dir.MakeProcess(k.cfg.name, k.cfg.argv); err != nil {
		return err
	}
	if err = k.run(); err != nil {
		_ = k.record.Discard()
	}
	return err
}

// run executes the command, its output into the log.
func (k *keeper) run() error {
	null, err := devNull()
	if err != nil {
		return err
	}
	defer null.Close()
	log, err := os.OpenFile(k.record.LogPath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("make its log: %w", err)
	}
	defer log.Close()
	pid, pidfd, err := proc.Start(&proc.Spec{
		Path: k.cfg.path, Argv: k.cfg.argv, Env: os.Environ(),
		Files: [3]int{int(null.Fd()), int(log.Fd()), int(log.Fd())}, Session: true, DieWithThread: true,
	})
	if errno, ok := err.(syscall.Errno); ok && !proc.OutOfResources(err) {
		return &RunError{errno}
	}
	if err != nil {
		return err
	}
	unix.Close(pidfd)
	k.pid = pid
	return k.record.Began(pid)
}

// detach lets go of all that the keeper has inherited, so that nobody waits for the
// end of a pipe, or for a lock, because of it. The command has its own.
func (k *keeper) detach() error {
	null, err := devNull()
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 2 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return err
		}
	}
	proc.DropInherited()
	return os.Chdir("/")
}
