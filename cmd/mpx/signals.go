package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/report"

	"golang.org/x/sys/unix"
)

const sigPipe = syscall.SIGPIPE

// endings are the signals that end a run once what it has started is ended.
var endings = []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP}

// An interrupter turns signals into the end of a pool: the first of endings ends what
// runs politely, the next one at once. ^Z stops the tasks and then mpx.
type interrupter struct {
	p      interruptible
	grace  time.Duration
	doing  string                  // what the first signal has done, for people
	tell   func(note, hint string) // must not wait
	screen *report.Report          // shows progress; nil: nothing does

	c    chan os.Signal
	over chan struct{} // closed by release

	mu  sync.Mutex // guards the following
	sig syscall.Signal
}

// endingWhatRuns is what a signal has done to a pool of the command's own.
const endingWhatRuns = "ending what runs"

// catch begins to listen. A signal that the caller had ignored (nohup) stays so.
func catch(p interruptible, grace time.Duration, doing string, tell func(note, hint string), screen *report.Report) *interrupter {
	c := make(chan os.Signal, 16)
	i := &interrupter{p: p, grace: grace, doing: doing, tell: tell, screen: screen, c: c, over: make(chan struct{})}
	proc.Notify(c, endings...)
	proc.Notify(c, syscall.SIGTSTP)
	if screen != nil {
		proc.Notify(c, syscall.SIGUSR1)
	}
	// With this, a write that nobody reads is an error, not the end of mpx.
	proc.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		for s := range c {
			i.handle(s.(syscall.Signal))
		}
	}()
	return i
}

// release ends the listening.
func (i *interrupter) release() {
	signal.Stop(i.c)
	close(i.c)
	close(i.over)
}

func (i *interrupter) handle(s syscall.Signal) {
	switch s {
	case syscall.SIGTSTP:
		i.suspend()
		return
	case syscall.SIGUSR1:
		if i.screen != nil {
			go i.screen.Status() // it may wait for the terminal
		}
		return
	}
	if !i.begin(s) {
		i.p.Stop(syscall.SIGKILL, 0)
		go i.insist(s, 0)
		return
	}
	go i.insist(s, i.grace)
}

// begin ends the pool by s, and reports whether s is the first signal. Who then asks
// received finds that it has been told.
func (i *interrupter) begin(s syscall.Signal) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sig != 0 {
		return false
	}
	i.sig = s
	i.stop()
	i.tell(unix.SignalName(s)+": "+i.doing, "")
	return true
}

// suspend is ^Z.
func (i *interrupter) suspend() {
	i.p.Pause()
	if i.screen != nil {
		i.screen.HideProgress()
	}
	stopSelf()
	i.p.Resume()
	if i.screen != nil {
		i.screen.ShowProgress()
	}
}

// printTime is how long what has ended may take to be printed after a signal.
const printTime = time.Second

// endTime is how long what runs may take to end, after the grace. Longer is what
// waits for a reader: the workers end all when mpx is gone.
const endTime = 8 * time.Second

// insist ends mpx by s once nothing runs any more, though its output waits for
// a reader that does not read.
func (i *interrupter) insist(s syscall.Signal, grace time.Duration) {
	joined := make(chan struct{})
	go func() {
		_ = i.p.Join()
		close(joined)
	}()
	select {
	case <-i.over:
		return
	case <-joined:
	case <-time.After(grace + endTime):
	}
	select {
	case <-i.over:
	case <-time.After(printTime):
		dieBy(s)
	}
}

// stopSelf stops this process and returns after SIGCONT. The signal goes to the
// calling thread: sent to the process, another thread may take it, and this one
// runs on for a moment and sets the tasks going again.
func stopSelf() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), syscall.SIGSTOP)
}

// stop ends the pool politely.
func (i *interrupter) stop() { i.p.Stop(syscall.SIGTERM, i.grace) }

// received returns the signal that ended the run, or 0.
func (i *interrupter) received() syscall.Signal {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sig
}

// watchReader ends the run when nobody reads stdout any more, even while there
// is nothing to write: mpx map … | head -1.
func watchReader(stdout *os.File, i *interrupter) {
	st, err := stdout.Stat()
	if err != nil || st.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return
	}
	go func() {
		fds := []unix.PollFd{{Fd: int32(stdout.Fd())}} // POLLERR is always watched
		for {
			n, err := unix.Poll(fds, -1)
			if err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if n > 0 {
				break
			}
		}
		i.mu.Lock()
		if i.sig == 0 {
			i.sig = sigPipe
		}
		i.mu.Unlock()
		i.stop()
	}()
}

func isBrokenPipe(err error) bool {
	if !errors.Is(err, syscall.EPIPE) {
		return false
	}
	var w *report.WriteError
	var p *os.PathError // of another file that mpx writes
	return !errors.As(err, &p) || p.Path == "/dev/stdout" || errors.As(err, &w) && w.Stream == "stdout"
}

// stdoutError is the error of writing results: where their reader has gone away,
// mpx dies as that signal has it.
func stdoutError(err error) error {
	if err != nil && isBrokenPipe(err) {
		return &outcome{signal: sigPipe}
	}
	return err
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// handDown returns a copy of f that workers inherit, at a number above what a
// shell or make may use.
func handDown(f *os.File) (*os.File, error) {
	fd, err := proc.HandDown(f.Fd())
	if err != nil {
		return nil, fmt.Errorf("hand on %s: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
