package pool

import (
	"fmt"
	"syscall"

	"mpx/internal/task"
)

// HaltOn is what a Halt counts.
type HaltOn uint8

// What a Halt counts: nothing, or the tasks with an outcome that is a failure, a
// success, or any.
const (
	HaltNever HaltOn = iota
	HaltFail
	HaltSuccess
	HaltDone
)

// A Halt says when a pool ends before all its tasks are done (GNU parallel's
// --halt).
type Halt struct {
	On      HaltOn
	Count   int     // so many outcomes; 0: Percent decides
	Percent float64 // of all tasks, or of those read so far
	Now     bool    // end what runs, too
}

// haltFrom is how many outcomes a percentage needs while tasks are still being
// read: one of the first two would be half of them.
const haltFrom = 3

// A Tally counts outcomes.
type Tally struct{ ok, failed, done int }

// Count takes in r, the outcome of a task, or of the tasks of a span.
func (y *Tally) Count(r *task.Result) {
	n := r.N()
	y.done += n
	switch {
	case r.Status == task.OK:
		y.ok += n
	case failed(r.Status), r.Status == task.Lost:
		y.failed += n
	}
}

// Reached returns why h ends a run of which y counts the outcomes: "2 of 5 tasks
// failed"; "": it does not. read is how many tasks have been read, more tells whether
// others may come.
func (h *Halt) Reached(y *Tally, read uint64, more func() bool) string {
	n, what := y.done, "ended"
	switch h.On {
	case HaltNever:
		return ""
	case HaltFail:
		n, what = y.failed, "failed"
	case HaltSuccess:
		n, what = y.ok, "succeeded"
	}
	reached := h.Count > 0 && n >= h.Count ||
		h.Count == 0 && float64(n)*100 >= h.Percent*float64(read) && (n >= haltFrom || !more())
	if n == 0 || !reached {
		return ""
	}
	return fmt.Sprintf("%d of %d tasks %s", n, read, what)
}

// end takes in that a task has its outcome with the attempt that has ended.
func (s *scheduler) end(r *task.Result) {
	s.conclude(r, task.Event{Worker: r.Worker, Slot: r.Slot})
}

// conclude takes in that a task has its outcome. e says whose attempt has ended
// with it, if one has.
func (s *scheduler) conclude(r *task.Result, e task.Event) {
	e.Kind, e.Result = task.TaskEnd, r
	s.watch(e)
	s.tally.Count(r)
	if s.halted || s.stopped {
		return
	}
	if why := s.p.cfg.Halt.Reached(&s.tally, s.seq, s.reading); why != "" {
		s.halt(why)
	}
}

// reading reports whether more tasks may come, without anybody's coming.
func (s *scheduler) reading() bool {
	for _, st := range s.streams {
		if st.open && !st.standing {
			return true
		}
	}
	return false
}

// halt starts nothing more: what no worker has begun is skipped.
func (s *scheduler) halt(why string) {
	s.halted, s.closing = true, true
	s.p.halt()
	s.watch(task.Event{Kind: task.Halted, Reason: why})
	for _, st := range s.streams {
		st.stop()
	}
	s.cancelQueue()
	if s.p.cfg.Halt.Now {
		s.stop(syscall.SIGTERM, s.p.cfg.Grace)
		return
	}
	for _, w := range s.workers {
		if w.outstanding > 0 {
			w.post(message{recall: w.outstanding})
		}
	}
}

// holds says after which outcomes a worker waits for a word before it begins
// its next task: those that may make the pool halt.
func (c *Config) holds() (fail, ok bool) {
	on := c.Halt.On
	return on == HaltFail || on == HaltDone, on == HaltSuccess || on == HaltDone
}

// holdsWorker reports whether a worker that gave results waits for a word.
func (s *scheduler) holdsWorker(results []result) bool {
	fail, ok := s.p.cfg.holds()
	for i := range results {
		if good := results[i].r.Status == task.OK; good && ok || !good && fail {
			return true
		}
	}
	return false
}
