package worker

import "time"

// clocks are the times by which a running task is watched. The zero time is
// never.
type clocks struct {
	start   time.Time
	clock   time.Time // when its time limit began: at its start, later if it was paused
	limit   time.Time // when its time is over
	killAt  time.Time // when TERM becomes KILL; never: it has not been told to end
	paused  time.Time // since when it is paused; never: it is not
	quietAt time.Time // when the output of what it left counts as whole
	lastAt  time.Time // when it does whatever comes
}

// next returns the earliest of times that is not never.
func next(times ...time.Time) (at time.Time) {
	for _, t := range times {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// past reports whether t has come.
func past(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// resume ends the pause: what was to come, others too, comes later by it.
func (c *clocks) resume(others ...*time.Time) {
	by := time.Since(c.paused)
	for _, t := range append(others, &c.clock, &c.limit, &c.killAt, &c.quietAt, &c.lastAt) {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	c.paused = time.Time{}
}

// setLimit sets when the task's time is over, 0 being never.
func (c *clocks) setLimit(timeout time.Duration) {
	c.limit = time.Time{}
	if timeout > 0 {
		c.limit = c.clock.Add(timeout)
	}
}

// quiet returns when the output of what a task left counts as whole.
func (c *clocks) quiet() time.Time { return next(c.quietAt, c.lastAt) }

// linger sets the clocks for what a task has left.
func (c *clocks) linger(now time.Time) {
	if c.quietAt.IsZero() {
		c.quietAt, c.lastAt = now.Add(leftoverIdle), now.Add(leftoverMost)
	}
}

// killIn sets when KILL follows: a second asking can only shorten the wait.
func (c *clocks) killIn(grace time.Duration) {
	if at := time.Now().Add(grace); c.killAt.IsZero() || at.Before(c.killAt) {
		c.killAt = at
	}
}
