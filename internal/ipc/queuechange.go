package ipc

import (
	"errors"
	"time"

	"mpx/internal/shm"
)

// change makes a change, wakes whom it concerns, and removes what it leaves of no
// use. w is for the others that change the queue.
func (q *Queue) change(w shm.Wait, f func(*shm.Change) error) error {
	var before, after QueueState
	rubbish := false
	err := q.t.Change(w, func(c *shm.Change) error {
		q.sweep(c)
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
		if q.lasts { // a failure is found again by who waits for that
			_ = q.through(q.ackStream(), q.t.Word(wordAckTail), q.failures())
		}
		// If this process is killed before, or others are busy, the next change takes
		// care of it.
		_ = q.t.Change(shm.Once(), func(c *shm.Change) error { q.sweep(c); return nil })
	}
	return q.wake(before, after)
}

// sweep removes the files that a change has left of no use, or one that was not
// finished. One that cannot be removed stays until the queue goes. Segments wait until it
// has been written through that their items were had.
func (q *Queue) sweep(c *shm.Change) {
	w := &c.Words
	if w[wordRubbish] != 0 && (!q.lasts || q.t.Mark(markAcked) >= w[wordAckTail]) {
		q.sweepSegments(c)
		w[wordRubbish] = 0
	}
	if n := w[wordReleased]; n != 0 {
		_ = onDisk.remove(q.logs.longPath(n - 1))
		w[wordReleased] = 0
	}
	if n := w[wordLinking]; n != 0 {
		if n > w[wordPut] { // it was not put
			_ = onDisk.remove(q.logs.longPath(n - 1))
		}
		w[wordLinking] = 0
	}
}

// sweepSegments removes the segments that have no item that may still be had.
func (q *Queue) sweepSegments(c *shm.Change) {
	all, _ := q.logs.list("log") // an error: they stay until the next time
	used := map[uint64]bool{}
	for i := range c.Rows() {
		if r := c.Row(i); r[0] != 0 {
			used[r[2]>>32] = true
		}
	}
	for _, n := range all {
		if n < c.Words[wordHead]>>32 && !used[n] {
			_ = onDisk.remove(q.logs.path(n))
		}
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
			putBack(c, i, r)
			c.Words[wordLeased]--
			c.Words[wordLooked] = 0 // there may be more
			return true
		}
	}
	return false
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
