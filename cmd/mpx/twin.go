package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// twinArg makes this program the twin of the process that the user has started, the
// elder: the twin does the work, and each ends what the command has started when the
// other dies. What follows are the elder's pid, whether it has no other children, the
// descriptors that the twin has from it and its commands have not, the first of them the
// line between the two, and the command line.
const twinArg = "__twin"

// clearLimit is how long to try to end what cannot be killed.
const clearLimit = 5 * time.Second

// An elder is this process, when a twin does its work.
type elder struct {
	line     twinLine
	pid      int          // the twin's
	pidfd    int          // likewise
	children map[int]bool // that it had before
	got      atomic.Int32 // the last signal that came
}

// withTwin has a twin do what this process is to do, in the environment env and with
// the descriptors shared, and ends as it does.
func (a *app) withTwin(env []string, shared ...uintptr) error {
	runtime.LockOSThread() // the twin hears of the end of this thread
	defer runtime.UnlockOSThread()
	c := catchAll()
	if err := proc.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	e := &elder{children: childSet()}
	if err := e.start(append([]string{os.Args[0], twinArg}, a.args...), env, shared); err != nil {
		return fmt.Errorf("start mpx again: %w", err)
	}
	defer unix.Close(e.pidfd)
	go e.handOn(c)
	runs, end := e.line.hear()
	for errors.Is(unix.Waitid(unix.P_PID, e.pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	if end == nil {
		e.clear(runs)
	}
	// What the twin had on lease is another's from here on.
	ws, err := waitFor(e.pid)
	switch {
	case end != nil:
		return end
	case err != nil:
		return fmt.Errorf("wait for process %d of mpx: %w", e.pid, err)
	case ws.Signaled() && ws.Signal() == syscall.Signal(e.got.Load()):
		return &outcome{signal: ws.Signal()} // it came before the twin was ready
	case ws.Signaled():
		return fmt.Errorf("process %d of mpx was killed by %s, and all that it had started", e.pid, unix.SignalName(ws.Signal()))
	}
	return fmt.Errorf("process %d of mpx ended with status %d, and all that it had started", e.pid, ws.ExitStatus())
}

// start starts the twin. argv has room for what stands before the command line.
func (e *elder) start(argv, env []string, shared []uintptr) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pair[1])
	var fds []string
	for _, f := range append([]uintptr{uintptr(pair[1])}, shared...) {
		fd, err := proc.HandDown(f)
		if err != nil {
			return err
		}
		defer proc.TakeBack(fd)
		fds = append(fds, strconv.Itoa(fd))
	}
	words := append([]string{argv[0], argv[1], strconv.Itoa(os.Getpid()), strconv.FormatBool(len(e.children) == 0), strings.Join(fds, ",")}, argv[2:]...)
	e.line = twinLine(pair[0])
	e.pid, e.pidfd, err = proc.Start(&proc.Spec{Path: "/proc/self/exe", Argv: words, Env: env, Files: [3]int{0, 1, 2}})
	return err
}

// handOn hands signals on to the twin, which may have had them itself: it knows what
// to do with one that comes twice.
func (e *elder) handOn(c <-chan os.Signal) {
	for s := range c {
		e.got.Store(int32(s.(syscall.Signal)))
		_ = unix.PidfdSendSignal(e.pidfd, s.(syscall.Signal), nil, 0) // an error: it has ended
	}
}

// clear ends what has come to this process with the twin's death from the command that
// ran. What ended commands have left stays, and what comes from children that this process
// had before. The twin itself is reaped after that, as long as it is there it keeps what
// it had on lease.
func (e *elder) clear(runs commandSign) {
	if runs.mark == "" {
		return
	}
	c := proc.Claim{
		Mark:  runs.mark,
		Spare: func(pid int) bool { return pid == e.pid || e.children[pid] },
		Alone: func() bool { return runs.alone },
	}
	c.End(clearLimit)
}

// catchAll catches the signals that end a command or mean something to it, but for
// those that the caller had ignored.
func catchAll() <-chan os.Signal {
	c := make(chan os.Signal, 16)
	proc.Notify(c, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return c
}

// childSet returns the pids of this process's children.
func childSet() map[int]bool {
	if !proc.AnyChild() {
		return nil // the usual case, and listing children is some forty system calls
	}
	set := map[int]bool{}
	for _, pid := range proc.Children(os.Getpid()) {
		set[pid] = true
	}
	return set
}
