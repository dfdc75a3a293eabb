package pool

import (
	"time"
)

const (
	// aheadTime is how much work a worker should have waiting, by the tasks'
	// usual run time: enough to hide the way to the supervisor and back.
	aheadTime = 16 * time.Millisecond
	// aheadBytes bounds it, beside Config.Ahead.
	aheadBytes = 1 << 20
)

// dispatch hands out tasks as far as workers have room, starts workers for what
// is left, and has a worker give back tasks when another has none.
func (s *scheduler) dispatch() {
	if s.halted {
		s.dropTokens()
	}
	if !s.acts() {
		return
	}
	if s.p.cfg.gated() {
		s.dispatchGated()
		s.endFilters()
		return
	}
	s.refillAll(true) // nobody queues behind another's task while one is idle
	for s.queue.len() > 0 && s.mayStart() {
		w := s.start()
		s.refill(w)
	}
	s.refillAll(false)
	s.endFilters()
	if s.queue.len() == 0 {
		s.balance()
	}
}

// acts reports whether anything may be begun: a failure's STOP may be on its way.
func (s *scheduler) acts() bool { return !s.stopped && !s.halted && !s.held && s.p.Err() == nil }

// refillAll hands tasks to the workers that are idle, or to all.
func (s *scheduler) refillAll(idle bool) {
	for _, w := range s.workers {
		if s.queue.len() == 0 {
			return
		}
		if !idle || w.outstanding == 0 {
			s.refill(w)
		}
	}
}

// mayStart reports whether another worker may be started.
func (s *scheduler) mayStart() bool { return !s.waiting && s.slots.used < s.limit }

// refill hands tasks to w if it is running low.
func (s *scheduler) refill(w *worker) {
	target := s.target()
	switch {
	case !w.takes():
		return
	case s.p.cfg.ChunkSize > 0 && w.starves:
		s.give(w, s.least)
		return
	case w.outstanding > target/2 || s.p.cfg.ChunkSize > 0 && w.outstanding > 0:
		return
	}
	s.give(w, min(target-w.outstanding, s.share()))
}

// give hands up to n tasks to w, no more than it may still run.
func (s *scheduler) give(w *worker, n int) {
	if w.most > 0 {
		n = min(n, w.most-w.given)
	}
	items := s.queue.take(n, aheadBytes, s.p.cfg.Delim)
	if len(items) == 0 {
		return
	}
	if s.p.cfg.Live != nil { // what this attempt writes makes that of the last one go
		s.release(items)
	}
	s.announce(items, w.slot)
	if w.outstanding == 0 && s.p.cfg.heirs() {
		w.turn = time.Now()
	}
	n = count(items)
	w.outstanding += n
	w.given += n
	w.starves = false
	w.hand(items)
	if w.most > 0 && w.given >= w.most {
		s.retire(w, "maxtasksperchild")
	}
}

// announce tells of items that are handed out for the first time.
func (s *scheduler) announce(items []item, slot int) {
	if s.p.cfg.Starting == nil {
		return
	}
	for i := range items {
		if !items[i].told {
			items[i].told = true
			s.p.cfg.Starting(&items[i].Task, slot)
		}
	}
}

// target is how many tasks a worker should have, the running one among them.
func (s *scheduler) target() int {
	if n := s.p.cfg.ChunkSize; n > 0 {
		return n
	}
	if s.mean <= 0 {
		return max(1, s.least)
	}
	return int(min(max(aheadTime.Seconds()/s.mean, 1, float64(s.least)), float64(s.p.cfg.Ahead)))
}

// share keeps one worker from taking what others could run now.
func (s *scheduler) share() int {
	if s.p.cfg.ChunkSize > 0 {
		return s.p.cfg.ChunkSize
	}
	return (s.queue.len() + s.limit - 1) / s.limit
}

// balance has the worker with the most tasks give back half of those it has not
// started, if another is idle or may be started. A chunksize that the user gave
// stands.
func (s *scheduler) balance() {
	if s.p.cfg.ChunkSize > 0 {
		return
	}
	idle := s.mayStart()
	var most *worker
	for _, w := range s.workers {
		if w.recalled {
			return // one at a time
		}
		if w.outstanding == 0 && w.takes() {
			idle = true
		}
		if w.outstanding > 1 && (most == nil || w.outstanding > most.outstanding) {
			most = w
		}
	}
	if !idle || most == nil {
		return
	}
	most.recalled = true
	most.post(message{recall: most.outstanding / 2})
}
