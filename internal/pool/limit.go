package pool

import (
	"time"

	"mpx/internal/stats"
)

const (
	// limitFrom is how many tasks must have gone well before their median
	// limits others (as GNU parallel).
	limitFrom = 3
	// leastLimit is the least time limit from a median: below it the machine's
	// moods decide, not the task.
	leastLimit = 100 * time.Millisecond
)

// A median is Config.TimeoutPercent at work.
type median struct {
	times  stats.LogHistogram // of tasks that went well, in seconds
	fresh  int                // added since the limit was reckoned
	limits time.Duration      // what workers have been told; 0: nothing
}

// learn takes in the run time of a task that went well.
func (s *scheduler) learn(seconds float64) {
	s.times.Add(seconds)
	s.fresh++
}

// setLimit has workers end tasks that take too long by the usual run time. It
// is not reckoned each time, as the median of many hardly moves.
func (s *scheduler) setLimit() {
	if n := s.times.N(); n < limitFrom || s.fresh <= n/16 {
		return
	}
	s.fresh = 0
	seconds := s.times.Quantile(.5) * s.p.cfg.TimeoutPercent / 100
	limit := max(leastLimit, time.Duration(min(seconds, maxDelay.Seconds())*float64(time.Second)))
	if near(limit, s.limits) {
		return
	}
	s.limits = limit
	for _, w := range s.workers {
		w.post(message{limit: limit})
	}
}

// near reports whether a is within a twentieth of b.
func near(a, b time.Duration) bool { return a > b-b/20 && a < b+b/20 }
