package pool

import (
	"syscall"
	"time"

	"mpx/internal/task"
)

// leaveTime is how long after the last KILL a worker may take to leave before
// it is killed itself: longer than it gives up on what cannot be killed.
const leaveTime = 7 * time.Second

// stop drops what is queued and ends what runs.
func (s *scheduler) stop(sig syscall.Signal, grace time.Duration) {
	s.stopped, s.closing = true, true
	for _, st := range s.streams {
		st.stop()
	}
	s.cancelQueue()
	for _, w := range s.workers {
		w.post(message{stop: sig, grace: grace})
		s.retire(w, "stopped")
	}
	p := s.p
	time.AfterFunc(min(grace, maxDelay)+leaveTime, func() { p.send(overdue{}) })
}

// killAll is the end of the ladder: workers that have not left are killed, and
// the supervisor ends their tasks' processes.
func (s *scheduler) killAll() {
	for _, w := range s.workers {
		w.kill()
	}
}

func (s *scheduler) cancelQueue() {
	s.cancel(s.queue.takeAll())
	s.cancel(s.later)
	s.later = nil
}

// cancel ends items that will not run: an earlier attempt's result is what came
// of them, else Cancelled, or Skipped if the pool has halted.
func (s *scheduler) cancel(items []item) {
	st := task.Cancelled
	if s.halted {
		st = task.Skipped
	}
	results := make([]result, len(items))
	for i := range items {
		results[i] = result{items[i], task.Result{Task: items[i].Task, Status: st}}
		r := &results[i].r
		if prior := items[i].prior; prior != nil {
			*r = *prior
			r.Again = false
		} else {
			r.Attempt = items[i].Attempt - 1 // those it had
		}
		s.conclude(r, task.Event{}) // a prior's end has been told
	}
	s.deliver(results)
}

// retire tells w to leave when it has done what it has.
func (s *scheduler) retire(w *worker, reason string) {
	if !w.retiring {
		w.retiring, w.reason = true, reason
		s.watchRetired(w)
		s.cutShort(w)
		w.post(message{retire: true})
	}
	if w.outstanding == 0 {
		s.slots.free(w)
	}
}

func (s *scheduler) retireAll() {
	for _, w := range s.workers {
		if !w.retiring && !w.useful && len(s.p.cfg.Initializer) > 0 {
			s.wake(time.Now()) // to look what keeps it
		}
		s.retire(w, "no more tasks")
	}
}

// pause stops all tasks; done is closed when every worker has said so.
func (s *scheduler) pause(done chan struct{}) {
	s.held = true
	s.pausing = append(s.pausing, done)
	for _, w := range s.workers {
		w.pausing = true
		w.post(message{pause: true})
	}
	s.checkPaused()
}

// checkPaused ends a Pause when the last worker has paused or died.
func (s *scheduler) checkPaused() {
	for _, w := range s.workers {
		if w.pausing {
			return
		}
	}
	for _, done := range s.pausing {
		close(done)
	}
	s.pausing = nil
}

func (s *scheduler) resume() {
	s.held = false
	for _, w := range s.workers {
		w.post(message{resume: true})
	}
}
