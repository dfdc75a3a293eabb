package pool

import "time"

// A gate holds back starts although workers are free.
type gate struct {
	lastStart time.Time // when a task was last handed out
}

// gated reports whether tasks are handed out one at a time, each when the gate
// is open.
func (c *Config) gated() bool { return c.Delay > 0 }

// open reports whether a task may be started now. If not, the scheduler looks
// again when that may have changed.
func (s *scheduler) open(now time.Time) bool {
	if at := s.lastStart.Add(s.p.cfg.Delay); now.Before(at) {
		s.wake(at)
		return false
	}
	return true
}

// dispatchGated hands single tasks to idle workers while the gate is open.
func (s *scheduler) dispatchGated() {
	for s.queue.len() > 0 {
		w := s.free()
		if w == nil || !s.open(time.Now()) {
			return
		}
		s.lastStart = time.Now()
		s.give(w, 1)
	}
}

// free returns a worker that can start a task at once, a new one if it must be;
// nil if there is none.
func (s *scheduler) free() *worker {
	for _, w := range s.workers {
		if w.outstanding == 0 && !w.retiring {
			return w
		}
	}
	if !s.mayStart() {
		return nil
	}
	return s.start()
}
