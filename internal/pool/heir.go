package pool

import (
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/task"
)

// An heir is a worker that is started before the one whose slot it is to have
// has gone, where a worker needs time before its first task. It gets no task
// until then, and has no slot of its own: so no more than Config.Jobs workers
// have tasks, and no two of them one slot. Nothing depends on heirs. A worker
// stays to its last task whether its heir is warm or not; and where there is no
// room for heirs, there are none.
type heirs struct {
	warmUp  time.Duration // from the decision to start a worker to its being warm, of late
	noHeirs bool          // there is no room for them
}

// heirs reports whether workers have heirs: they retire, and a new one needs time.
// A terminal is one process's at a time, and an initializer may want it, too.
func (c *Config) heirs() bool {
	return c.recycles() && (c.Warms || len(c.Initializer) > 0) && !c.Terminal
}

// tellsReady reports whether anybody wants to know that a worker without an
// initializer has come to life.
func (c *Config) tellsReady() bool { return c.Watch != nil || c.heirs() }

// tellsWarm reports whether workers say themselves when they are warm: a filter is
// not with its initializer.
func (c *Config) tellsWarm() bool { return c.Function == "filter" }

// warmed takes in that w is warm: its initializer has worked, or it has come to
// life and has none, or says so. A longer time counts at once, a shorter one by and by: an
// heir that is early costs less than one that is late.
func (s *scheduler) warmed(w *worker) {
	took := time.Since(w.begun)
	w.ready, w.turn = true, time.Now()
	s.warmUp = max(took, s.warmUp-(s.warmUp-took)/4)
	s.watch(task.Event{Kind: task.WorkerReady, Worker: w.number, Slot: w.slot, PID: w.pid, Elapsed: took})
}

// raiseHeirs starts heirs of the workers that will be gone when an heir is warm,
// if there is, or may be, work for them.
func (s *scheduler) raiseHeirs(now time.Time) {
	for _, w := range s.workers {
		if !w.ready || w.given == 0 || w.freed || w.tried || w.elder != nil {
			continue
		}
		left, moves := s.left(w, now)
		switch {
		case left <= s.warmUp:
			if !s.noHeirs && !s.waiting && !s.crowded() && s.unserved() {
				w.tried = true
				w.heir = s.hire(w.slot)
				w.heir.elder = w
			}
		case moves:
			s.wake(now.Add(left - s.warmUp))
		}
	}
}

// crowded reports whether the machine, when it was last looked at, had no room
// for as much as runs.
func (s *scheduler) crowded() bool {
	c := &s.p.cfg
	return (c.Load > 0 || c.MemoryFree > 0) && (s.most == 0 || s.running() > s.most)
}

// left returns how long w will stay, as far as can be seen, and whether that
// becomes less with time alone.
func (s *scheduler) left(w *worker, now time.Time) (d time.Duration, moves bool) {
	tasks, known := w.growth.left(w.answered, w.memory)
	if w.most > 0 && (!known || float64(w.most-w.answered) < tasks) {
		tasks, known = float64(w.most-w.answered), true
	}
	d = maxDelay
	if known && (s.mean > 0 || w.retiring) {
		d = time.Duration(min(tasks*s.mean, maxDelay.Seconds()) * float64(time.Second))
		if moves = w.outstanding > 0; moves {
			d -= now.Sub(w.turn)
		}
	}
	if !w.expires.IsZero() {
		d, moves = min(d, w.expires.Sub(now)), true
	}
	return d, moves
}

// unserved reports whether there is, or may be, work that nobody would do of
// those who are there.
func (s *scheduler) unserved() bool {
	if s.reading() || len(s.later) > 0 {
		return true
	}
	n := s.queue.len()
	for _, w := range s.workers {
		switch {
		case w.retiring:
		case w.most > 0:
			n -= w.most - w.given
		case w.elder != nil:
			n--
		case w.outstanding > 1: // what it has not begun when it retires
			n += w.outstanding - 1
		}
	}
	return n > 0
}

// bequeath hands w's slot on to its heir, or gives up w's claim to another's. It
// is false if the slot is nobody's now.
func (w *worker) bequeath() bool {
	if e := w.elder; e != nil {
		e.heir, w.elder = nil, nil
		return true
	}
	if h := w.heir; h != nil {
		h.elder, w.heir = nil, nil
		return true
	}
	return false
}

// heirFailed takes in that an heir has come to nothing. Its elder works on, and
// in the end its slot is anybody's.
func (s *scheduler) heirFailed(e died) {
	s.launches++
	if s.launches >= launchTries || e.w.short || proc.OutOfResources(e.how) {
		s.dropHeirs()
	}
}

// dropHeirs does without heirs from now on, and reports whether there were any.
func (s *scheduler) dropHeirs() (any bool) {
	s.noHeirs = true
	for _, w := range s.workers {
		if w.elder != nil {
			any = true
			s.retire(w, "no room for it")
		}
	}
	return any
}

// cutShort ends the initializer of a worker that is to leave and has no task: no
// run waits at its end for somebody who is not needed.
func (s *scheduler) cutShort(w *worker) {
	if w.outstanding == 0 && !w.ready && !s.stopped && s.p.cfg.heirs() {
		w.post(message{stop: syscall.SIGTERM, grace: s.p.cfg.Grace})
	}
}
