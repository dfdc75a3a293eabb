package pool

import (
	"slices"
	"time"
)

const (
	// limitFrom is how many tasks must have gone well before their median
	// limits others (as GNU parallel).
	limitFrom = 3
	// leastLimit is the least time limit from a median: below it the machine's
	// moods decide, not the task.
	leastLimit = 100 * time.Millisecond
	// sampleSize is how many run times the median is taken of: the latest.
	sampleSize = 1001
)

// A sample holds the latest run times of tasks that went well.
type sample struct {
	times  []time.Duration
	next   int           // the oldest, once there are sampleSize
	fresh  int           // added since the limit was reckoned
	limits time.Duration // what workers have been told; 0: nothing
}

func (m *sample) add(d time.Duration) {
	m.fresh++
	if len(m.times) < sampleSize {
		m.times = append(m.times, d)
		return
	}
	m.times[m.next] = d
	m.next = (m.next + 1) % sampleSize
}

// due reports whether the limit should be reckoned anew: not each time, as the
// median of many hardly moves.
func (m *sample) due() bool { return len(m.times) >= limitFrom && m.fresh > len(m.times)/16 }

func (m *sample) median() time.Duration {
	sorted := slices.Sorted(slices.Values(m.times))
	n := len(sorted)
	return (sorted[n/2] + sorted[(n-1)/2]) / 2
}

// setLimit has workers end tasks that take too long by the usual run time.
func (s *scheduler) setLimit() {
	if !s.due() {
		return
	}
	s.fresh = 0
	limit := max(leastLimit, time.Duration(float64(s.median())*s.p.cfg.TimeoutPercent/100))
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
