package worker

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/shm"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// A worker speaks on its stdin and stdout, so that it may stand behind ssh.
const (
	requestFD = 0
	resultFD  = 1
)

const (
	// reserve is the room that the end of a task may need in the outbox: a
	// DONE with its notes, and what else is said when a worker leaves.
	reserve = 16 << 10
	// maxDelay is how long a result may wait for others to be written with it
	// while there is more to do: a write costs the two processes some 70 µs. It is
	// well under the work that workers have waiting, and no longer than proc.Poll
	// waits cheaply.
	maxDelay = 3 * time.Millisecond
	// flushAt is how many bytes are written without waiting for more.
	flushAt = 32 << 10
)

// A job is a task that waits in the worker.
type job struct {
	task.Task
	data []byte // its pieces so far
}

// A session is what a worker knows of its supervisor: what was asked for and
// not yet answered.
type session struct {
	board *shm.Board
	out   *shm.Outbox
	in    *ipc.Decoder
	cfg   ipc.Config

	queue    []job // in the order of their coming
	arriving *job  // the task whose pieces are coming in
	retiring bool  // no more tasks will come
	stopped  bool  // STOP came: nothing more is started
	paused   bool  // PAUSE came: nothing is started until RESUME
	holding  bool  // a task ended so that nothing is started until PROCEED
	leaving  bool  // this worker leaves as soon as the running task has ended

	tokens tokens
	wear   wear

	held time.Time // since when something waits to be written; zero: nothing
}

// A runner runs one task at a time, in steps, as its descriptors become ready.
type runner interface {
	// start begins j; the runner is busy until it has called session.done or
	// session.noStart for it.
	start(j *job)
	busy() bool
	// watch appends the descriptors to wait for; ready is called after the
	// wait with the same, and also when deadline passed. Without room for more
	// output they are none, and only the clocks are served.
	watch([]unix.PollFd) []unix.PollFd
	ready([]unix.PollFd)
	deadline() time.Time // zero: none
	// stop ends the task: signal, then KILL after grace.
	stop(signal int, grace time.Duration)
	pause()
	resume()
	retime() // the time limit has changed
	// kill ends the task's processes before it returns.
	kill()
	// failed returns why the runner cannot go on: its worker dies of it, and the
	// running task is lost.
	failed() error
	// close ends what stays from task to task, before the worker leaves.
	close()
	// residents returns the processes that stay from task to task: what they have
	// in memory is what the worker is worn by. The slice stays the runner's.
	residents() []int
	// wait is proc.Poll where nothing else runs in this process.
	wait([]unix.PollFd, time.Duration) (int, error)
}

// commit adds frames to the result stream. There must be room: see reserve.
func (s *session) commit(f func([]byte) []byte) {
	if s.out.Pending() == 0 {
		s.held = time.Now()
	}
	s.out.Append(f)
}

// flush writes what is committed, as far as the pipe takes it.
func (s *session) flush() error {
	err := s.out.Flush(func(b []byte) (int, error) { return proc.Write(resultFD, b) })
	if s.out.Pending() == 0 {
		s.held = time.Time{}
	}
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if errors.Is(err, unix.EPIPE) {
		return errSupervisorGone
	}
	return err
}

// read takes in one read's worth of requests.
func (s *session) read(r runner) error {
	n, err := s.in.Fill(func(b []byte) (int, error) { return proc.Read(requestFD, b) })
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return errSupervisorGone
	}
	return s.obeyAll(r)
}

// obeyAll carries out the requests that have been read.
func (s *session) obeyAll(r runner) error {
	for {
		kind, body, ok, err := s.in.Next()
		if err != nil || !ok {
			return err
		}
		if err := s.obey(r, kind, body); err != nil {
			return err
		}
	}
}

// obey carries out one request.
func (s *session) obey(r runner, kind ipc.Kind, body []byte) error {
	switch kind {
	case ipc.KindTask:
		return s.take(body)
	case ipc.KindRecall:
		n, err := ipc.ParseRecall(body)
		if err != nil {
			return err
		}
		s.giveBack(int(n))
	case ipc.KindStop:
		signal, grace, err := ipc.ParseStop(body)
		if err != nil {
			return err
		}
		s.queue, s.stopped = nil, true
		r.stop(signal, time.Duration(grace))
	case ipc.KindLimit:
		limit, err := ipc.ParseLimit(body)
		if err != nil {
			return err
		}
		s.cfg.Timeout = limit
		r.retime()
	case ipc.KindToken, ipc.KindDrop:
		return s.account(kind, body)
	case ipc.KindPause, ipc.KindResume, ipc.KindRetire, ipc.KindProceed:
		if err := ipc.ParseEmpty(body); err != nil {
			return err
		}
		return s.turn(r, kind)
	}
	return nil
}

// turn carries out a request that is a word alone.
func (s *session) turn(r runner, kind ipc.Kind) error {
	switch kind {
	case ipc.KindPause:
		s.paused = true
		r.pause()
		s.commit(func(b []byte) []byte { return ipc.AppendEmpty(b, ipc.KindPaused) })
		return s.flush()
	case ipc.KindResume:
		s.paused = false
		r.resume()
	case ipc.KindRetire:
		s.retiring = true
	case ipc.KindProceed:
		s.holding = false
	}
	return nil
}

// take adds a piece to the task it belongs to.
func (s *session) take(body []byte) error {
	p, err := ipc.ParseTask(body)
	if err != nil {
		return err
	}
	if s.arriving == nil {
		s.arriving = &job{Task: task.Task{Seq: p.Seq, Attempt: p.Attempt, FromStdin: p.Stdin}}
	}
	j := s.arriving
	if j.Seq != p.Seq || j.Attempt != p.Attempt {
		return fmt.Errorf("%w: TASK %d inside TASK %d", ipc.ErrMalformed, p.Seq, j.Seq)
	}
	j.data = append(j.data, p.Data...)
	if !p.Last {
		return nil
	}
	s.arriving = nil
	var rest []byte
	if j.Values, rest, err = task.ParseValues(j.data); err != nil {
		return fmt.Errorf("task %d: %w", j.Seq, err)
	}
	if j.FromStdin {
		j.Stdin = rest
	}
	if p.Span {
		j.Records = bytes.Count(rest, []byte{s.cfg.Delim})
	}
	j.data = nil
	if !s.stopped {
		s.queue = append(s.queue, *j)
	}
	return nil
}

// giveBack returns up to n of the tasks that have not started, the newest
// first: the oldest is the one whose turn is next here.
func (s *session) giveBack(n int) {
	var seqs []uint64
	for n > 0 && len(s.queue) > 0 && len(seqs) < reserve/32 {
		last := &s.queue[len(s.queue)-1]
		if have := last.N(); have > n {
			j := *last
			last.Task = j.Cut(have-n, s.cfg.Delim)
			seqs = append(seqs, j.Seq)
			break
		}
		n -= last.N()
		seqs = append(seqs, last.Seq)
		s.queue = s.queue[:len(s.queue)-1]
	}
	slices.Reverse(seqs)
	s.commit(func(b []byte) []byte { return ipc.AppendSeqs(b, seqs) })
}

// next takes the oldest waiting task.
func (s *session) next() *job { return s.nextOf(math.MaxInt) }

// nextOf takes the oldest waiting task; of a span, up to n records.
func (s *session) nextOf(n int) *job {
	j := s.queue[0]
	if j.N() > n {
		j.Task = s.queue[0].Cut(n, s.cfg.Delim)
		return &j
	}
	s.queue[0] = job{}
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return &j
}

// begin shows on the board that t runs.
func (s *session) begin(t *task.Task, start time.Time) {
	s.board.Group.Store(0)
	s.board.Seq.Store(t.Seq)
	s.board.Attempt.Store(uint64(t.Attempt))
	s.board.Start.Store(uint64(start.UnixNano()))
	s.board.State.Store(shm.Busy)
}

// began says START, if that is wanted.
func (s *session) began(t *task.Task, start time.Time) {
	if s.cfg.Starts && t.Seq != 0 {
		s.commit(func(b []byte) []byte { return ipc.AppendStart(b, t.Seq, start.UnixNano()) })
	}
}

// mayStart reports whether the next task may begin.
func (s *session) mayStart() bool { return len(s.queue) > 0 && !s.paused && !s.holding && !s.wear.over }

// holds reports whether d keeps the next task waiting for PROCEED.
func (s *session) holds(d *ipc.Done) bool {
	if d.Seq == 0 {
		return false
	}
	if d.End == ipc.Ended && d.Signal == 0 && slices.Contains(s.cfg.OKStatus, int(d.Exit)) {
		return s.cfg.HoldOK
	}
	return s.cfg.HoldFailed
}

// done commits the end of the running task, and only then shows it: a worker
// killed in between has finished it.
func (s *session) done(d *ipc.Done) {
	s.commit(d.Append)
	s.holding = s.holding || s.holds(d) // a filter may have more than one at work
	s.wear.due = d.Seq != 0             // the initializer's end ends no worker: each is to be of some use
	s.board.Done.Add(1)
	s.board.State.Store(shm.Idle)
	s.board.Group.Store(0)
}

// noStart tells that the machine has no room for t's process, and leaves: one
// worker fewer may be what it takes.
func (s *session) noStart(t *task.Task, reason error) {
	s.leaving = true
	s.board.State.Store(shm.Idle)
	s.commit(func(b []byte) []byte { return ipc.AppendNoStart(b, t.Seq, t.Attempt, reason.Error()) })
}
