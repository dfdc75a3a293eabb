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
		s.retire(w)
	}
	p := s.p
	time.AfterFunc(grace+leaveTime, func() { p.send(overdue{}) })
}

// killAll is the end of the ladder: workers that have not left are killed, and
// the supervisor ends their tasks' processes.
func (s *scheduler) killAll() {
	for _, w := range s.workers {
		w.kill()
	}
}

func (s *scheduler) cancelQueue() { s.cancel(s.queue.takeAll()) }

// cancel gives items the result Cancelled.
func (s *scheduler) cancel(items []item) {
	results := make([]result, len(items))
	for i := range items {
		results[i] = result{items[i].s, task.Result{Task: items[i].Task, Status: task.Cancelled}}
	}
	s.deliver(results)
}

// retire tells w to leave when it has done what it has.
func (s *scheduler) retire(w *worker) {
	if !w.retiring {
		w.retiring = true
		w.post(message{retire: true})
	}
	if w.outstanding == 0 {
		s.slots.free(w)
	}
}

func (s *scheduler) retireAll() {
	for _, w := range s.workers {
		s.retire(w)
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
