package worker

import (
	"sync"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A computer calls a Compute for each task, in one goroutine beside the loop,
// so that the supervisor's end, a recall and the task's time limit are served
// meanwhile. The goroutine takes tasks from the session's queue and commits
// their results itself: a task costs neither a system call nor a switch.
//
// The session belongs to whoever holds mu. The loop holds it always but while
// it waits.
type computer struct {
	s       *session
	compute Compute
	wake    int // eventfd that ends the loop's wait

	mu      sync.Mutex
	change  sync.Cond // there may be tasks to take, or room in the outbox
	cur     *job      // what is being computed, or its reply committed
	began   time.Time // when cur was taken
	asleep  bool      // the loop may wait for longer than a result may
	writing bool      // the loop waits for room in the pipe, too
}

func newComputer(s *session, c Compute) (runner, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	r := &computer{s: s, compute: c, wake: wake}
	r.change.L = &r.mu
	r.mu.Lock() // the loop's
	go r.work()
	return r, nil
}

// work is the goroutine's life.
func (r *computer) work() {
	r.mu.Lock()
	for {
		for !r.s.mayStart() || r.s.leaving {
			r.change.Wait()
		}
		r.cur, r.began = r.s.next(), time.Now()
		r.s.begin(&r.cur.Task, r.began)
		r.s.began(&r.cur.Task, r.began)
		r.mu.Unlock()
		rep := r.compute(r.cur.Values)
		elapsed := time.Since(r.began)
		r.mu.Lock()
		r.answer(&rep, elapsed)
		r.cur = nil
		if r.s.retiring && len(r.s.queue) == 0 || r.s.wear.over {
			r.wakeLoop() // it waits for just this, or has tasks to give back
		}
	}
}

// answer commits a reply: in one frame if it is small.
func (r *computer) answer(rep *Reply, elapsed time.Duration) {
	s, j := r.s, r.cur
	r.send(2, rep.Stderr)
	tail := rep.Stdout
	if len(tail) > reserve {
		r.send(1, tail)
		tail = nil
	}
	r.room(2 * reserve)
	s.done(&ipc.Done{
		Seq: j.Seq, Attempt: j.Attempt, Exit: int32(rep.Exit), Stdout: tail,
		Timed: true, Start: r.began.UnixNano(), Elapsed: int64(elapsed),
	})
	s.look(r)
	if s.out.Pending() >= flushAt || time.Since(s.held) >= maxDelay || len(s.queue) == 0 || s.holding {
		_ = s.flush() // the loop meets the same error
	}
	if s.out.Pending() > 0 && r.asleep {
		r.wakeLoop()
	}
}

// send commits data as OUT frames of stream.
func (r *computer) send(stream uint8, data []byte) {
	for len(data) > 0 {
		r.room(2*reserve + 4<<10)
		n := min(len(data), ipc.MaxPiece, r.s.out.Room()-2*reserve)
		o := ipc.Out{Seq: r.cur.Seq, Attempt: r.cur.Attempt, Stream: stream, Data: data[:n]}
		r.s.commit(o.Append)
		data = data[n:]
	}
}

// room waits until the outbox has room for n bytes, which the loop makes.
func (r *computer) room(n int) {
	for r.s.out.Room() < n {
		if _ = r.s.flush(); r.s.out.Room() >= n {
			return
		}
		if !r.writing {
			r.wakeLoop()
		}
		r.change.Wait()
	}
}

func (r *computer) wakeLoop() {
	one := [8]byte{1}
	_, _ = unix.Write(r.wake, one[:])
}

// start is not called: work takes the tasks.
func (r *computer) start(*job) { panic("bug: a computer takes its tasks itself") }

func (r *computer) busy() bool { return !r.s.leaving && (r.cur != nil || len(r.s.queue) > 0) }

func (r *computer) watch(fds []unix.PollFd) []unix.PollFd {
	return append(fds, unix.PollFd{Fd: int32(r.wake), Events: unix.POLLIN})
}

// wait lets the goroutine at the session while the loop waits.
func (r *computer) wait(fds []unix.PollFd, d time.Duration) (int, error) {
	r.asleep, r.writing = d < 0 || d > maxDelay, fds[1].Events != 0
	r.change.Signal()
	r.mu.Unlock()
	n, err := proc.SlowPoll(fds, d)
	r.mu.Lock()
	r.asleep, r.writing = false, false
	return n, err
}

func (r *computer) ready([]unix.PollFd) {
	var b [8]byte
	_, _ = unix.Read(r.wake, b[:])
	if at := r.deadline(); !at.IsZero() && !at.After(time.Now()) {
		r.abandon(ipc.TimedOut)
	}
}

func (r *computer) deadline() time.Time {
	began := r.began
	switch {
	case r.s.cfg.Timeout == 0 || r.s.leaving:
		return time.Time{}
	case r.cur == nil && !r.s.mayStart():
		return time.Time{}
	case r.cur == nil: // it will be taken once the loop waits
		began = time.Now()
	}
	return began.Add(time.Duration(r.s.cfg.Timeout))
}

func (r *computer) stop(int, time.Duration) { r.abandon(ipc.Stopped) }

// abandon ends the running task, which only the end of its process can do.
func (r *computer) abandon(why ipc.End) {
	if r.s.leaving {
		return
	}
	r.s.leaving = true
	if j := r.cur; j != nil {
		r.s.done(&ipc.Done{
			Seq: j.Seq, Attempt: j.Attempt, End: why, Signal: int32(unix.SIGKILL),
			Timed: true, Start: r.began.UnixNano(), Elapsed: int64(time.Since(r.began)),
		})
	}
}

// A computation cannot be paused, and nothing of it outlives this process.
func (r *computer) pause()  {}
func (r *computer) resume() {}
func (r *computer) retime() {} // its deadline is reckoned anew each time
func (r *computer) kill()   {}
func (r *computer) close()  {}

func (r *computer) failed() error { return nil }

func (r *computer) residents() []int { return ownPid }
