package worker

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A filterCopy is the process of a filter, with our ends of its pipes. What it
// has started goes with it.
type filterCopy struct {
	pid      int // 0: there is none yet; -1: it has ended
	pidfd    int
	in       int  // write end of its stdin; -1: closed
	out, err int  // read ends of its stdout and stderr
	closed   bool // its stdin has been closed: it has been given all there is
	ended    bool // its stdout has
	replies  uint64
	surplus  string // what it said that it was not asked for
	odd      error  // why that is no reply, if it could have been
	ws       syscall.WaitStatus
}

var noCopy = filterCopy{pidfd: -1, in: -1, out: -1, err: -1}

func (c *filterCopy) closeStdin() {
	c.closed = true
	if c.in >= 0 {
		proc.Close(c.in)
		c.in = -1
	}
}

func (c *filterCopy) closeAll() {
	c.closeStdin()
	for _, fd := range []*int{&c.out, &c.err, &c.pidfd} {
		if *fd >= 0 {
			proc.Close(*fd)
			*fd = -1
		}
	}
}

// launch starts the copy, which warms up before the first record comes.
func (r *filterRunner) launch() {
	var in, out, errs [2]int
	for _, p := range []*[2]int{&in, &out, &errs} {
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			r.fault = fmt.Errorf("make a filter's pipe: %w", err)
			return
		}
	}
	c := &r.copy
	c.in, c.out, c.err = in[1], out[0], errs[0]
	for _, fd := range []int{c.in, c.out, c.err} {
		_ = unix.SetNonblock(fd, true) // of a pipe just made
	}
	var err error
	c.pid, c.pidfd, err = r.paths.execute(&proc.Spec{
		Argv: r.argv, Env: r.env, Files: [3]int{in[0], out[1], errs[1]}, Session: true, DieWithThread: true,
	})
	for _, fd := range []int{in[0], out[1], errs[1]} {
		proc.Close(fd)
	}
	if err == nil {
		r.warmth = warmth{at: time.Now().Add(warmLook), pause: warmLook}
		return
	}
	c.closeAll()
	c.pid, r.s.leaving = -1, true
	if proc.OutOfResources(err) {
		if len(r.s.queue) > 0 {
			r.s.noStart(&r.s.next().Task, err)
		} else {
			r.quit(ipc.Quit{Text: "there is no room for its filter: " + err.Error()})
		}
		return
	}
	why := cannotRun(r.argv[0], err)
	r.quit(ipc.Quit{Useless: true, Text: why.note})
}

// quit says why the filter is of no more use.
func (r *filterRunner) quit(q ipc.Quit) {
	r.s.commit(q.Append)
	r.s.leaving = true
}

// breaks notes that the copy has closed a pipe. If it does not end, it is ended.
func (r *filterRunner) breaks(pipe string) {
	if r.broken == "" {
		r.broken, r.brokenAt = pipe, time.Now().Add(brokenLimit)
	}
}

// brokenLimit is how long a filter that has closed its stdin or stdout may take
// to end.
const brokenLimit = time.Second

// reap ends what is left of the copy, takes what it has said, and says what that
// means. From then on this worker is of no more use.
func (r *filterRunner) reap() {
	c := &r.copy
	proc.EndChildren(func(int) bool { return true }, killLimit, func(pid int, ws syscall.WaitStatus, _ *syscall.Rusage) {
		if pid == c.pid {
			c.ws = ws
		}
	})
	for !c.ended && !r.late() && r.fault == nil && r.readReplies() {
	}
	r.readStderr()
	r.conclude()
	c.closeAll()
	c.pid = -1
	r.flight, r.n, r.unsent, r.size = nil, 0, nil, 0
	r.clocks, r.warmth, r.starveAt, r.brokenAt = clocks{}, warmth{}, time.Time{}, time.Time{}
	r.s.leaving = true
}

// conclude says how it came that the copy has ended.
func (r *filterRunner) conclude() {
	c := &r.copy
	left := c.ws.Exited() && c.ws.ExitStatus() == 0
	switch {
	case r.end == ipc.TimedOut && r.n > 0:
		f := r.flight[0]
		r.s.done(&ipc.Done{
			Seq: f.seq, Attempt: f.attempt, End: ipc.TimedOut, Signal: int32(max(c.ws.Signal(), unix.SIGTERM)),
			Timed: true, Start: r.since.UnixNano(), Elapsed: int64(time.Since(r.since)),
		})
		r.quit(ipc.Quit{Text: fmt.Sprintf("its filter was ended: task %d was over its time limit", f.seq)})
	case r.end != ipc.Ended:
	case c.odd != nil:
		// An id goes with each reply: what else it says puts none of them in doubt.
		r.quit(ipc.Quit{Useless: true, Doubted: errors.Is(c.odd, errUnasked), Text: fmt.Sprintf("the filter said %q, which is no reply: %v", c.surplus, c.odd)})
	case c.surplus != "":
		r.quit(ipc.Quit{Useless: true, Doubted: true, Text: fmt.Sprintf("the filter answers too much: after %d records and as many replies it said %q; it must give one reply for each record", c.replies, c.surplus)})
	case r.n == 0 && c.closed: // as planned
	case left && r.n > 0 && c.closed:
		r.quit(ipc.Quit{Useless: true, Doubted: !r.conf.JSON, Text: fmt.Sprintf("the filter answers too little: it was given %d records, answered %d, and left; it must give one reply for each record", c.replies+uint64(r.n), c.replies)})
	case left && c.replies > 0:
		r.quit(ipc.Quit{Text: fmt.Sprintf("its filter left by itself after %d records", c.replies)})
	case r.forced:
		r.fault = fmt.Errorf("its filter closed %s and went on", r.broken)
	case r.fault == nil:
		r.fault = fmt.Errorf("its filter died (%s)", howEnded(c.ws))
	}
}

func howEnded(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return fmt.Sprintf("signal %d, %s", ws.Signal(), ws.Signal())
	}
	return fmt.Sprintf("exit %d", ws.ExitStatus())
}

// readStderr passes on what the copy has said.
func (r *filterRunner) readStderr() {
	var b [ipc.MaxSaid]byte
	for more := true; more && r.copy.err >= 0; {
		r.room(len(b) + 2*reserve)
		n, err := proc.Read(r.copy.err, b[:])
		if n == 0 && err == nil {
			proc.Close(r.copy.err)
			r.copy.err = -1
		}
		if n > 0 {
			r.s.commit(func(f []byte) []byte { return ipc.AppendFrame(f, ipc.KindSaid, b[:n]) })
		}
		more = n == len(b)
	}
}
