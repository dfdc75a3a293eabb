package worker

import (
	"slices"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// watch: the pidfd stands first, so that a pipe that poll finds empty after it
// holds nothing of a process that has ended.
func (r *execRunner) watch(fds []unix.PollFd) []unix.PollFd {
	c := r.cur
	if c == nil {
		return fds
	}
	fds = append(fds, unix.PollFd{Fd: int32(c.pidfd), Events: unix.POLLIN})
	fds = append(r.pipes.watch(fds), unix.PollFd{Fd: int32(r.memoryAlarm()), Events: unix.POLLIN})
	return append(fds, c.left...)
}

func (r *execRunner) ready(fds []unix.PollFd) {
	c := r.cur
	if c == nil {
		return
	}
	if len(fds) < 4 { // no room for what it writes, or it has only just begun
		r.clocks(time.Now())
		return
	}
	got, more := 0, false
	for stream := 1; stream <= 2; stream++ {
		if fds[stream].Revents != 0 {
			n, m := r.s.pump(&r.pipes, c.job, stream)
			got, more = got+n, more || m
		}
	}
	now := time.Now()
	if got > 0 && !c.quietAt.IsZero() {
		c.quietAt = now.Add(leftoverIdle)
	}
	if fds[3].Revents != 0 {
		r.memoryFull(now)
	}
	left := slices.ContainsFunc(fds[4:], func(f unix.PollFd) bool { return f.Revents != 0 })
	if (fds[0].Revents != 0 || left) && !more {
		r.reap(now)
		return
	}
	r.clocks(now)
}

// reap takes the statuses of what has ended and, when nothing of the task is
// left, ends it.
func (r *execRunner) reap(now time.Time) {
	c := r.cur
	for {
		var ru syscall.Rusage
		pid, ws, err := proc.Reap(&ru)
		if err != nil { // ECHILD: nothing is left
			if c.lingered() {
				r.drain() // what was left may have written since
			}
			r.finish()
			return
		}
		if pid == 0 {
			break
		}
		r.reaped(pid, ws, &ru)
	}
	if c.pidfd < 0 {
		r.linger(now)
	}
}

// reaped notes the end of one child.
func (r *execRunner) reaped(pid int, ws syscall.WaitStatus, ru *syscall.Rusage) {
	if c := r.cur; c != nil && pid == c.pid && c.pidfd >= 0 {
		proc.Close(c.pidfd)
		c.pidfd, c.ws, c.ru, c.ended = -1, ws, *ru, time.Now()
		c.limit = time.Time{}
		r.weigh()
	}
}

// lingered reports whether something of the task outlived its process.
func (c *running) lingered() bool { return !c.quietAt.IsZero() }

// over reports whether the task has ended by itself, and only what it left
// behind keeps its worker: that is not to be signalled any more.
func (c *running) over() bool { return c.pidfd < 0 && c.end == ipc.Ended }

// linger: the task's process has ended, others of it have not.
func (r *execRunner) linger(now time.Time) {
	c := r.cur
	if (r.s.cfg.KillLeft || c.memory.over) && c.over() {
		r.endAll()
		return
	}
	c.linger(now)
	r.forgetLeft()
	for _, pid := range proc.Children(unix.Getpid()) {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			c.left = append(c.left, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
}

func (r *execRunner) forgetLeft() {
	for _, f := range r.cur.left {
		proc.Close(int(f.Fd))
	}
	r.cur.left = r.cur.left[:0]
}

// deadline is the next of the running task's clocks.
func (r *execRunner) deadline() time.Time {
	c := r.cur
	if c == nil || !c.paused.IsZero() {
		return time.Time{}
	}
	return next(c.limit, c.killAt, c.memory.lookAt, c.quiet())
}

// quiet is when the output of a task whose process has ended by itself counts
// as whole; zero for any other.
func (c *running) quiet() time.Time {
	if !c.over() {
		return time.Time{}
	}
	return c.clocks.quiet()
}

// clocks acts on the clocks that have run out.
func (r *execRunner) clocks(now time.Time) {
	c := r.cur
	switch {
	case !c.paused.IsZero():
	case past(c.killAt, now):
		r.endAll()
	case past(c.memory.lookAt, now):
		r.look(now)
	case past(c.quiet(), now):
		r.leaveBehind()
	case past(c.limit, now):
		c.limit = time.Time{}
		r.tell(ipc.TimedOut, unix.SIGTERM, time.Duration(r.s.cfg.Grace))
	}
}

// endAll kills what is left of the task and ends it.
func (r *execRunner) endAll() {
	left := proc.EndChildren(func(int) bool { return true }, killLimit, r.reaped)
	if left > 0 { // unkillable: not ours to wait for
		r.leaveBehind()
		return
	}
	r.drain()
	r.finish()
}

// leaveBehind ends the task although something of it is left. The pipes and the
// worker are of no more use: what is left holds the one and is the other's
// child. It passes to the supervisor.
func (r *execRunner) leaveBehind() {
	pids := proc.Children(unix.Getpid())
	r.s.commit(func(b []byte) []byte { return ipc.AppendLeft(b, pids[:min(len(pids), 1000)]) })
	r.s.leaving = true
	r.drain()
	r.finish()
}

// drain takes what the pipes hold now.
func (r *execRunner) drain() { r.s.drainPipes(&r.pipes, r.cur.job) }

// finish commits the task's end.
func (r *execRunner) finish() {
	c := r.cur
	r.forgetLeft()
	d := c.report()
	r.charge(&d)
	if c.pidfd >= 0 {
		proc.Close(c.pidfd)
	}
	r.cur = nil
	r.s.done(&d)
	if c.job.Seq == 0 && (d.Exit != 0 || d.Signal != 0 || d.End != ipc.Ended) {
		r.s.leaving = true
	}
}
