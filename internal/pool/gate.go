package pool

import (
	"time"

	"mpx/internal/proc"
)

// lookPause is how often the machine's load and free memory are looked at while
// they matter.
const lookPause = 100 * time.Millisecond

// A gate holds back starts although workers are free.
type gate struct {
	lastStart time.Time // when a task was last handed out
	lookedAt  time.Time // when the machine was last looked at
	most      int       // tasks that may run until it is looked at again
	poor      bool      // the user knows that there is too little memory
}

// gated reports whether tasks are handed out one at a time, each when the gate
// is open.
func (c *Config) gated() bool {
	return c.Delay > 0 || c.Load > 0 || c.MemoryFree > 0 || c.Jobserver != ""
}

// open reports whether a task may be started now. If not, the scheduler looks
// again when that may have changed.
func (s *scheduler) open(now time.Time) bool {
	if at := s.lastStart.Add(s.p.cfg.Delay); now.Before(at) {
		s.wake(at)
		return false
	}
	if s.p.cfg.Load <= 0 && s.p.cfg.MemoryFree <= 0 {
		return true
	}
	running := s.running()
	if now.Sub(s.lookedAt) >= lookPause {
		s.lookedAt, s.most = now, s.room(running)
	}
	if running >= s.most {
		s.wake(s.lookedAt.Add(lookPause))
		return false
	}
	return true
}

// running returns how many tasks workers have.
func (s *scheduler) running() (n int) {
	for _, w := range s.workers {
		n += w.outstanding
	}
	return n
}

// room returns how many tasks may run by the machine's load and free memory,
// when so many do. What cannot be found out limits nothing.
func (s *scheduler) room(running int) int {
	most := running + s.limit
	if load := s.p.cfg.Load; load > 0 {
		// Those that run may or may not be part of the load: one that sleeps is
		// not. So what matters is the difference.
		if busy, err := proc.Running(); err == nil {
			most = max(1, running+int(min(load, 1<<20)-float64(busy)))
		}
	}
	if want := s.p.cfg.MemoryFree; want > 0 {
		if free, err := proc.MemoryFree(); err == nil && free < want {
			s.tellPoor(running)
			return 0
		}
	}
	return most
}

// tellPoor says once why nothing happens.
func (s *scheduler) tellPoor(running int) {
	if running == 0 && !s.poor {
		s.poor = true
		s.p.notice("tasks wait until there is more free memory", "less than --memfree is free, and nothing of this run's is using it")
	}
}

// dispatchGated hands single tasks to idle workers while the gate is open.
func (s *scheduler) dispatchGated() {
	now := time.Now()
	for s.queue.len() > 0 && s.open(now) {
		w := s.ready(now)
		if w == nil {
			return
		}
		s.lastStart = now
		n := 1
		if w.starves && s.p.cfg.Delay == 0 { // who knows how much it takes
			n = max(1, w.outstanding)
		}
		s.give(w, n)
	}
	s.dropTokens() // nothing may start for now, and others could use them
}

// ready returns a worker that can start a task at once, a new one if it must be;
// nil if there is none.
func (s *scheduler) ready(now time.Time) *worker {
	if s.p.cfg.Jobserver != "" {
		return s.entitled(now)
	}
	return s.idle()
}

// idle returns a worker that has nothing to do, a new one if it must be, or one
// whose filter waits for more.
func (s *scheduler) idle() *worker {
	for _, w := range s.workers {
		if w.outstanding == 0 && w.takes() && w.right == none {
			return w
		}
	}
	if s.mayStart() {
		return s.start()
	}
	for _, w := range s.workers {
		if w.starves && w.takes() {
			return w
		}
	}
	return nil
}
