package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// A twin is this process, when it does the work of another, its elder. It runs one
// command at a time, and is the subreaper of what that starts.
type twin struct {
	line twinLine
	// strangers says that the elder has other children, of whose processes some may come
	// to it.
	strangers bool
	ended     chan unix.WaitStatus // how the command has

	mu    sync.Mutex // guards the following; kept for good once the elder is dead
	pid   int        // of the command; 0: none runs
	pidfd int
	runs  commandSign    // of the command
	left  bool           // ended commands have left processes
	busy  bool           // a command runs, or has just ended, until rest
	got   syscall.Signal // the last that came meanwhile
}

// twinMain is the life of a twin. args follow twinArg. It returns the exit status,
// which is of no meaning.
func twinMain(args []string, stderr io.Writer) int {
	t, err := newTwin(args)
	if err != nil {
		fmt.Fprintln(stderr, "mpx: twin:", err)
		fmt.Fprintln(stderr, "mpx: hint: this command is mpx's own; see mpx --help")
		return exitUsage
	}
	t.line.sayEnd(newApp(t).run(args[3:]))
	return exitOK
}

func newTwin(args []string) (*twin, error) {
	if len(args) < 3 {
		return nil, fmt.Errorf("%d arguments", len(args))
	}
	elder, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	t := &twin{line: -1, strangers: args[1] != "true", ended: make(chan unix.WaitStatus, 1)}
	for _, f := range strings.Split(args[2], ",") {
		fd, err := strconv.Atoi(f)
		if err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
		}
		if err != nil {
			return nil, fmt.Errorf("descriptor %s: %w", f, err)
		}
		if t.line < 0 {
			t.line = twinLine(fd)
		}
	}
	proc.SetName("mpx-twin") // so that killall mpx means the elder
	shm.ReapedBy(elder)
	// One that is stopped would not hear that the elder is dead.
	if err := errors.Join(proc.BecomeSubreaper(), unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGCONT), 0, 0, 0)); err != nil {
		return nil, err
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go t.reap(children)
	go t.handOn(catchAll())
	go t.watch()
	return t, nil
}

// watch ends this process when the elder is dead: first the command, if one runs, with
// all that it has started, so that what it has on lease goes back after that.
func (t *twin) watch() {
	t.line.hear()
	t.mu.Lock()
	if t.pid != 0 {
		t.claim().End(clearLimit)
	}
	os.Exit(exitBroken)
}

// claim returns what is the command's. The lock must be held.
func (t *twin) claim() *proc.Claim {
	return &proc.Claim{Mark: t.runs.mark, Alone: func() bool { return !t.left }}
}

// restTime is how long what a command has started has to end by itself, when it was told
// to.
const restTime = time.Second

// endRest ends what the command, which has been told to end and has ended, has started:
// what it has on lease, or locked, is another's after that.
func (t *twin) endRest() {
	c := t.claim()
	c.Signal(t.got)
	for end := time.Now().Add(restTime); proc.AnyLivingChild() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	c.End(clearLimit)
}

// reap reaps children as they end: the command, and orphans.
func (t *twin) reap(children <-chan os.Signal) {
	for range children {
		t.mu.Lock()
		for {
			var ru syscall.Rusage
			pid, ws, err := proc.Reap(&ru)
			if pid == 0 || err != nil {
				break
			}
			t.reaped(pid, unix.WaitStatus(ws))
		}
		t.mu.Unlock()
	}
}

func (t *twin) reaped(pid int, ws unix.WaitStatus) {
	if pid != t.pid {
		return
	}
	if slices.Contains(endings, t.got) { // it has not ended by itself
		t.endRest()
	}
	t.pid = 0
	unix.Close(t.pidfd)
	t.line.sayRuns(commandSign{}) // what it has left is no longer mpx's affair
	t.ended <- ws
}
