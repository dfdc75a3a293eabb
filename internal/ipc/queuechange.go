package ipc

import (
	"errors"
	"os"
	"time"

	"mpx/internal/shm"
)

// change makes a change, wakes whom it concerns, and removes what it leaves of no
// use. w is for the others that change the queue.
func (q *Queue) change(w shm.Wait, f func(*shm.Change) error) error {
	var before, after QueueState
	rubbish := false
	err := q.t.Change(w, func(c *shm.Change) error {
		q.sweep(&c.Words)
		before = stateOf(&c.Words)
		if err := f(c); err != nil {
			return err
		}
		after = stateOf(&c.Words)
		rubbish = c.Words[wordRubbish]|c.Words[wordReleased] != 0
		return nil
	})
	if err != nil {
		return err
	}
	if rubbish {
		// If this process is killed before, or others are busy, the next change takes
		// care of it.
		_ = q.t.Change(shm.Once(), func(c *shm.Change) error { q.sweep(&c.Words); return nil })
	}
	return q.wake(before, after)
}

// sweep removes the files that a change has left of no use, or one that was not
// finished. One that cannot be removed stays until the queue goes.
func (q *Queue) sweep(w *[shm.TableWords]uint64) {
	if n := w[wordRubbish]; n != 0 {
		_ = os.Remove(q.logs.path(n - 1))
		w[wordRubbish] = 0
	}
	if n := w[wordReleased]; n != 0 {
		_ = os.Remove(q.logs.longPath(n - 1))
		w[wordReleased] = 0
	}
	if n := w[wordLinking]; n != 0 {
		if n > w[wordPut] { // it was not put
			_ = os.Remove(q.logs.longPath(n - 1))
		}
		w[wordLinking] = 0
	}
}

// wake wakes whom the step from before to after concerns.
func (q *Queue) wake(before, after QueueState) (err error) {
	if n := after.Waiting - before.Waiting; n > 0 {
		err = q.t.Ring(bellItem, n)
	}
	if n := before.Waiting - after.Waiting; n > 0 && after.Most > 0 {
		err = errors.Join(err, q.t.Ring(bellRoom, n))
	}
	if after.Closed && after.Waiting == 0 && after.Leased == 0 {
		err = errors.Join(err, q.t.Ring(bellItem, everybody))
	}
	if before.Unfinished > 0 && after.Unfinished == 0 {
		err = errors.Join(err, q.t.Ring(bellDone, everybody))
	}
	return err
}

// lookEvery is how often somebody who wants an item looks whether all with a lease
// live.
const lookEvery = 250 * time.Millisecond

// lookDue reports whether it is time to look, when somebody has looked at that moment.
// That is of the clock on the wall, which all processes share, and which may be put
// back.
func lookDue(looked uint64) bool {
	ago := time.Since(time.Unix(0, int64(looked)))
	return ago < 0 || ago > lookEvery
}

// look takes back an item of one who is dead, and reports whether there was one. It
// looks now and then.
func (q *Queue) look(c *shm.Change) bool {
	if c.Words[wordLeased] == 0 || !lookDue(c.Words[wordLooked]) {
		return false
	}
	c.Words[wordLooked] = uint64(time.Now().UnixNano())
	return reclaim(c, c.Dead)
}

// reclaim takes back an item of one who is dead.
func reclaim(c *shm.Change, dead func(*shm.Row) bool) bool {
	if c.Words[wordLeased] == 0 {
		return false
	}
	for i := range c.Rows() {
		if r := c.Row(i); r[0] == shm.RowHeld && dead(&r) {
			r[0] = rowReturned
			c.Set(i, r)
			c.Words[wordLeased]--
			c.Words[wordReturned]++
			c.Words[wordLooked] = 0 // there may be more
			return true
		}
	}
	return false
}

// returned returns the row of the oldest item that is back from a lease; -1: there
// is none.
func returned(c *shm.Change) (at int, row shm.Row) {
	at = -1
	for i, left := 0, c.Words[wordReturned]; left > 0 && i < c.Rows(); i++ {
		if r := c.Row(i); r[0] == rowReturned {
			left--
			if at < 0 || r[1] < row[1] {
				at, row = i, r
			}
		}
	}
	return at, row
}

// free returns a row that is free; -1: there is none.
func free(c *shm.Change) int {
	for i := range c.Rows() {
		if r := c.Row(i); r[0] == 0 {
			return i
		}
	}
	return -1
}
