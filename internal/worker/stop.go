package worker

import (
	"errors"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// stop ends the running task because the supervisor says so.
func (r *execRunner) stop(signal int, grace time.Duration) {
	if c := r.cur; c != nil && c.over() {
		r.leaveBehind()
	} else if c != nil {
		r.tell(ipc.Stopped, syscall.Signal(signal), grace)
	}
}

func (r *execRunner) tell(why ipc.End, signal syscall.Signal, grace time.Duration) {
	tell(r, &r.cur.clocks, &r.cur.end, why, signal, grace)
}

// A signaller reaches the processes of the task that runs.
type signaller interface {
	signal(syscall.Signal)
	resume()
}

// tell asks all processes of the task to end, and sets the clock for KILL. The
// first reason stands in end; a second asking can only shorten the wait.
func tell(r signaller, c *clocks, end *ipc.End, why ipc.End, signal syscall.Signal, grace time.Duration) {
	if !c.paused.IsZero() {
		r.resume()
	}
	if *end == ipc.Ended {
		*end = why
	}
	if signal == unix.SIGKILL {
		grace = 0
	}
	if c.killIn(grace); grace == 0 {
		return // the loop kills at once
	}
	r.signal(signal)
	r.signal(unix.SIGCONT) // a stopped process would not hear
}

// signal sends sig to every process of the task, its group first: a shell and
// its children are meant to get it together.
func (r *execRunner) signal(sig syscall.Signal) {
	c := r.cur
	group := c.pidfd >= 0 && !r.s.cfg.Terminal
	if group && errors.Is(syscall.Kill(-c.pid, sig), unix.ESRCH) {
		group = false
	}
	for _, pid := range proc.Descendants(unix.Getpid()) {
		if st, err := proc.ReadStat(pid); err == nil && !(group && st.Group == c.pid) {
			_ = syscall.Kill(pid, sig)
		}
	}
}

func (r *execRunner) pause() {
	if c := r.cur; c != nil && c.paused.IsZero() {
		c.paused = time.Now()
		r.signal(unix.SIGSTOP)
	}
}

// resume lets the task go on, with the time that it still had.
func (r *execRunner) resume() {
	c := r.cur
	if c == nil || c.paused.IsZero() {
		return
	}
	c.clocks.resume(&c.memory.lookAt, &c.memory.lookEnd)
	r.signal(unix.SIGCONT)
}

func (r *execRunner) failed() error { return nil }

func (r *execRunner) close() {}

// ownPid is this process: of a worker whose tasks are processes of their own, or
// are computed here, nothing else stays.
var ownPid = []int{unix.Getpid()}

func (r *execRunner) residents() []int { return ownPid }

func (r *execRunner) kill() {
	if c := r.cur; c != nil && !c.over() {
		proc.EndChildren(func(int) bool { return true }, killLimit, nil)
	}
}
