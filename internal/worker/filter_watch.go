package worker

import (
	"errors"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// watch also starts the copy, and feeds it.
func (r *filterRunner) watch(fds []unix.PollFd) []unix.PollFd {
	if r.copy.pid == 0 && !r.s.leaving && !r.s.stopped && r.fault == nil {
		r.launch()
	}
	if r.copy.pid <= 0 {
		return fds
	}
	r.feed()
	c := &r.copy
	out, in := c.out, c.in
	if c.ended || !r.readAt.IsZero() || r.late() {
		out = -1
	}
	if len(r.unsent) == 0 {
		in = -1
	}
	return append(fds,
		unix.PollFd{Fd: int32(c.pidfd), Events: unix.POLLIN}, unix.PollFd{Fd: int32(out), Events: unix.POLLIN},
		unix.PollFd{Fd: int32(c.err), Events: unix.POLLIN}, unix.PollFd{Fd: int32(in), Events: unix.POLLOUT})
}

func (r *filterRunner) ready(fds []unix.PollFd) {
	now := time.Now()
	due := past(r.readAt, now)
	if due {
		r.readAt = time.Time{}
	}
	if len(fds) < 4 { // there is no copy, or no room for what it says
		if r.copy.pid > 0 {
			r.tick(now)
		}
		return
	}
	if fds[2].Revents != 0 {
		r.readStderr()
	}
	more := (due || fds[1].Revents != 0) && !r.late() && r.readReplies()
	switch {
	case fds[0].Revents != 0 && !more:
		r.reap()
	case r.copy.surplus != "":
		r.reap()
	case !more:
		r.tick(now)
	}
}

func (r *filterRunner) deadline() time.Time {
	if r.copy.pid <= 0 || !r.paused.IsZero() {
		return time.Time{}
	}
	return next(r.clocks.limit, r.killAt, r.starveAt, r.brokenAt, r.readAt, r.warmth.at)
}

// tick acts on the clocks that have run out.
func (r *filterRunner) tick(now time.Time) {
	switch {
	case !r.paused.IsZero():
	case past(r.killAt, now):
		r.reap()
	case past(r.brokenAt, now):
		r.forced = true
		r.reap()
	case past(r.clocks.limit, now):
		r.overtime(now)
	case past(r.starveAt, now):
		r.starve(now)
	case past(r.warmth.at, now):
		r.lookWarm(now)
	}
}

// overtime ends the copy, whose first record has had its time. A copy that has
// not begun to read is still starting, which may take longer.
func (r *filterRunner) overtime(now time.Time) {
	limit := time.Duration(r.s.cfg.Timeout)
	if r.copy.replies == 0 && !empty(r.copy.in) && now.Sub(r.since) < startTimes*limit {
		r.clocks.limit = now.Add(limit)
		return
	}
	r.clocks.limit = time.Time{}
	r.tell(ipc.TimedOut, unix.SIGTERM, time.Duration(r.s.cfg.Grace))
}

// late reports whether the first record in flight has had its time. What the copy
// still says comes too late: a reply would be that record's, and the next one be
// taken for the one that was late.
func (r *filterRunner) late() bool { return r.end == ipc.TimedOut }

// startTimes is how many time limits a copy may take until it first reads.
const startTimes = 10

// waiting sets the clocks for the first record in flight.
func (r *filterRunner) waiting() {
	r.clocks.limit, r.starveAt, r.silence = time.Time{}, time.Time{}, starveAfter
	if r.n == 0 {
		return
	}
	r.clock = r.since
	r.retime()
	r.starveAt = r.since.Add(r.silence)
}

func (r *filterRunner) retime() {
	if r.n > 0 && r.killAt.IsZero() {
		r.setLimit(time.Duration(r.s.cfg.Timeout))
	}
}

func (r *filterRunner) stop(signal int, grace time.Duration) {
	if r.copy.pid > 0 {
		r.tell(ipc.Stopped, syscall.Signal(signal), grace)
		return
	}
	r.s.leaving = true
}

func (r *filterRunner) tell(why ipc.End, signal syscall.Signal, grace time.Duration) {
	tell(r, &r.clocks, &r.end, why, signal, grace)
}

// signal sends sig to the copy's group, and to what has left it.
func (r *filterRunner) signal(sig syscall.Signal) {
	group := r.copy.pid
	if errors.Is(syscall.Kill(-group, sig), unix.ESRCH) {
		group = -1
	}
	for _, pid := range proc.Descendants(unix.Getpid()) {
		if st, err := proc.ReadStat(pid); err == nil && st.Group != group {
			_ = syscall.Kill(pid, sig)
		}
	}
}

func (r *filterRunner) pause() {
	if r.copy.pid > 0 && r.paused.IsZero() {
		r.paused = time.Now()
		r.signal(unix.SIGSTOP)
	}
}

func (r *filterRunner) resume() {
	if r.copy.pid > 0 && !r.paused.IsZero() {
		r.clocks.resume(&r.starveAt, &r.brokenAt, &r.since)
		r.signal(unix.SIGCONT)
	}
}

func (r *filterRunner) kill() {
	proc.EndChildren(func(int) bool { return true }, killLimit, nil)
}

// close has the copy leave: its stdin ends, and it has some time. What it still
// says counts.
func (r *filterRunner) close() {
	r.copy.closeStdin()
	grace := time.Duration(r.s.cfg.Grace)
	for step := 0; r.copy.pid > 0; step++ {
		until := time.Now().Add(grace)
		for r.copy.pid > 0 && r.fault == nil && time.Now().Before(until) && r.killAt.IsZero() {
			if !r.serveLast(time.Until(until)) {
				break
			}
		}
		if r.copy.pid <= 0 {
			return
		}
		if step == 1 || grace == 0 || r.fault != nil || !r.killAt.IsZero() {
			r.reap()
			return
		}
		r.signal(unix.SIGTERM)
		r.signal(unix.SIGCONT)
	}
}

// serveLast waits once for what a leaving copy says, or its end. It is false
// when the supervisor is gone.
func (r *filterRunner) serveLast(d time.Duration) bool {
	fds := append(r.watch(nil), unix.PollFd{Fd: requestFD})
	if _, err := proc.Poll(fds, d); err != nil {
		return false
	}
	r.ready(fds[:4])
	return fds[4].Revents&(unix.POLLHUP|unix.POLLERR) == 0
}
