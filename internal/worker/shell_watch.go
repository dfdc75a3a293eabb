package worker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// watch: the status stands first, so that a pipe that poll finds empty after it
// holds nothing of a task that has ended.
func (r *shellRunner) watch(fds []unix.PollFd) []unix.PollFd {
	if r.cur == nil {
		return fds
	}
	fds = append(fds,
		unix.PollFd{Fd: int32(r.sh.statuses), Events: unix.POLLIN},
		unix.PollFd{Fd: int32(r.sh.pidfd), Events: unix.POLLIN})
	if at := r.cur.pipesAt; !at.IsZero() && time.Now().Before(at) {
		return fds
	}
	if !r.cur.pipesAt.IsZero() {
		r.cur.pipesAt = time.Time{}
		r.sh.terminal.refill()
	}
	fds = append(fds,
		unix.PollFd{Fd: int32(r.sh.said), Events: unix.POLLIN},
		unix.PollFd{Fd: int32(r.sh.terminal.master), Events: unix.POLLIN})
	return r.pipes.watch(fds)
}

func (r *shellRunner) ready(fds []unix.PollFd) {
	c := r.cur
	if c == nil {
		return
	}
	if len(fds) < 2 { // no room for what it writes
		r.clocks(time.Now())
		return
	}
	got := 0
	if len(fds) > 2 {
		for stream := 1; stream <= 2; stream++ {
			if fds[stream+3].Revents != 0 {
				n, _ := r.s.pump(&r.pipes, c.job, stream)
				got += n
			}
		}
		if fds[2].Revents != 0 {
			r.hear()
		}
		if fds[3].Revents != 0 {
			r.sh.terminal.drain()
		}
	}
	now := time.Now()
	if got > 0 && !c.quietAt.IsZero() {
		c.quietAt = now.Add(leftoverIdle)
	}
	switch {
	case fds[0].Revents&unix.POLLIN != 0:
		r.answered(r.sh.readStatus(), now)
	case fds[1].Revents != 0:
		r.shellDied()
	default:
		r.clocks(now)
	}
}

// hear takes in, once, what the initializer prints: until the shell is warm it
// goes to stderr, later it is dropped. It reports whether there may be more.
func (r *shellRunner) hear() (more bool) {
	if r.sh.said < 0 || r.s.makeRoom() != nil {
		return false
	}
	n, err := 0, error(nil)
	if r.sh.warm {
		var b [16 << 10]byte
		n, err = proc.Read(r.sh.said, b[:])
	} else {
		j := r.cur.job
		n, more, err = r.s.move(r.sh.said, ipc.Out{Seq: j.Seq, Attempt: j.Attempt, Stream: 2})
	}
	if n == 0 && !errors.Is(err, unix.EAGAIN) {
		proc.Close(r.sh.said)
		r.sh.said = -1
	}
	return more
}

// hearAll takes in all that the initializer has printed.
func (r *shellRunner) hearAll() {
	for r.hear() {
	}
}

// answered takes in a line of the shell.
func (r *shellRunner) answered(line string, now time.Time) {
	c := r.cur
	switch {
	case line == "":
	case line[0] == '+':
		r.hearAll()
		r.sh.becomeWarm(strings.TrimSpace(line[1:]))
		if c.end != ipc.Ended { // it has missed the signal
			r.abandon()
			return
		}
		if c.job.Seq != 0 {
			r.send()
			return
		}
		c.status, c.ended = "0", now
		r.finish()
	default:
		c.status, c.ended = line, now
		c.limit, c.lookAt, c.pipesAt = time.Time{}, time.Time{}, time.Time{}
		r.settle(now)
	}
}

// settle ends a task whose subshell has ended, unless it has left something.
func (r *shellRunner) settle(now time.Time) {
	c := r.cur
	if r.sh.nothingLeft() {
		r.drain()
		r.finish()
		return
	}
	r.sh.reap()
	left := r.sh.left()
	switch {
	case len(left) == 0:
		r.sh.usual = r.sh.lists() // what there is is not the task's
		r.drain()
		r.finish()
	case r.s.cfg.KillLeft || c.end != ipc.Ended || r.stopped(left):
		r.endAll()
	default:
		c.linger(now)
	}
}

// stopped reports whether the task has stopped itself: its shell has it for
// ended, or waits for ever, and nobody would go on with it.
func (r *shellRunner) stopped(left []int) bool {
	for _, pid := range left {
		if st, err := proc.ReadStat(pid); err == nil && st.Parent == r.sh.main && st.State == 'T' {
			r.cur.stopped = true
		}
	}
	return r.cur.stopped
}

// look ends a task that has stopped itself.
func (r *shellRunner) look(now time.Time) {
	r.cur.lookAt = now.Add(stopLook)
	r.sh.terminal.refill()
	if r.stopped(r.sh.left()) {
		r.endAll()
	}
}

// endAll kills what is left of the task and ends it, once its shell knows. Until then
// whatever appears of it is killed. A shell that does not come to know is killed, too.
func (r *shellRunner) endAll() {
	c := r.cur
	if !r.sh.warm {
		r.abandon()
		return
	}
	r.killLeft()
	if c.status == "" {
		now := time.Now()
		if c.killing.IsZero() {
			c.killing = now
		}
		if now.Sub(c.killing) > killLimit {
			r.abandon()
			return
		}
		c.limit, c.lookAt, c.killAt = time.Time{}, time.Time{}, now.Add(killPause)
		return
	}
	r.drain()
	r.finish()
}

// killPause is between two looks for something to kill of a task.
const killPause = 5 * time.Millisecond

// killLeft kills the processes of the task, whoever's children they are.
func (r *shellRunner) killLeft() {
	for end := time.Now().Add(killLimit); time.Now().Before(end); {
		left := r.sh.left()
		if len(left) == 0 {
			return
		}
		proc.KillTrees(left)
		r.sh.reap()
	}
}

// drain takes what the pipes hold now.
func (r *shellRunner) drain() { r.s.drainPipes(&r.pipes, r.cur.job) }

// shellDied: with its shell the worker is of no use. If that was the
// initializer's doing the user learns of it as of any initializer's failure;
// else the task is lost, as when the worker itself had died.
func (r *shellRunner) shellDied() {
	_, ws := r.sh.reap()
	c := r.cur
	if !r.sh.warm && c.end != ipc.Ended {
		r.abandon()
		return
	}
	if !r.sh.warm && !ws.Signaled() {
		r.hearAll()
		c.status, c.ended = fmt.Sprint(ws.ExitStatus()), time.Now()
		c.job.Seq = 0
		r.finish()
		r.s.leaving = true
		return
	}
	r.drain()
	how := fmt.Sprintf("left with status %d", ws.ExitStatus())
	if ws.Signaled() {
		how = fmt.Sprintf("was killed by signal %d (%s)", ws.Signal(), ws.Signal())
	}
	r.sh.pid = 0
	r.fault = fmt.Errorf("its shell %s", how)
}

// failed returns why the worker cannot go on, if so.
func (r *shellRunner) failed() error { return r.fault }
