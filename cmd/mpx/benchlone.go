package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A lone runs one command at a time, without a pool, and ends what runs when a
// signal comes: the first INT, TERM or HUP politely, the next one at once.
type lone struct {
	grace  time.Duration
	say    func(string)
	null   int               // /dev/null
	out    int               // the pipe for what commands print
	others bool              // it has children that are not the running command's
	paths  map[string]string // where PATH found a command
	c      chan os.Signal

	mu  sync.Mutex // guards the following
	pid int        // what runs; 0: nothing
	sig syscall.Signal
}

func startLone(grace time.Duration, say func(string)) (*lone, error) {
	if err := proc.BecomeSubreaper(); err != nil { // what a command leaves is to be found
		return nil, fmt.Errorf("become subreaper: %w", err)
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/null: %w", err)
	}
	l := &lone{grace: grace, say: say, null: null, paths: map[string]string{}, c: make(chan os.Signal, 16)}
	if l.out, err = openDrain(); err != nil {
		unix.Close(null)
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	proc.Notify(l.c, endings...)
	go func() {
		for s := range l.c {
			l.handle(s.(syscall.Signal))
		}
	}()
	return l, nil
}

// openDrain returns the end of a pipe whose other end is read until nobody has
// this one any more.
func openDrain() (int, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	go func() {
		defer unix.Close(ends[0])
		buf := make([]byte, 64<<10)
		for {
			if n, err := unix.Read(ends[0], buf); n <= 0 && !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	return ends[1], nil
}

// handle is what a signal does.
func (l *lone) handle(s syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sig != 0 {
		l.kill()
		return
	}
	l.sig = s
	l.say(unix.SignalName(s) + ": ending what runs")
	if l.pid != 0 {
		proc.SignalAll(append(proc.Descendants(l.pid), l.pid), syscall.SIGTERM)
		time.AfterFunc(l.grace, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.kill()
		})
	}
}

// interrupted returns an *outcome once a signal has come, else nil.
func (l *lone) interrupted() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sig == 0 {
		return nil
	}
	return &outcome{signal: l.sig}
}

// kill ends what runs. The caller holds the lock.
func (l *lone) kill() {
	if l.pid != 0 {
		proc.KillTrees([]int{l.pid})
	}
}

// end ends the listening and reaps what finished commands have left. No pool
// runs now, whose workers it could be.
func (l *lone) end() {
	signal.Stop(l.c)
	close(l.c)
	unix.Close(l.null)
	unix.Close(l.out)
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}
