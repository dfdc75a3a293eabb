package ipc

import (
	"errors"
	"time"

	"mpx/internal/shm"
)

// putBack makes r, row i, one that is back from its lease. It may be given out when its
// delay is over, which doubles with each delivery.
func putBack(c *shm.Change, i int, r shm.Row) {
	r[0], r[6], r[7] = rowReturned, 0, 0
	if delay := retryDelay(r[3]); delay > 0 {
		r[6] = uint64(time.Now().Add(delay).UnixNano())
		if c.Words[wordDelayed] == 0 || r[6] < c.Words[wordDue] {
			c.Words[wordDue] = r[6]
		}
		c.Words[wordDelayed]++
	}
	c.Set(i, r)
	c.Words[wordReturned]++
}

// retryDelay returns the delay that is due after the deliveries of a row.
func retryDelay(deliveries uint64) time.Duration {
	delay := time.Duration(deliveries>>delayShift) * time.Millisecond
	for n := uint32(deliveries); n > 1 && delay > 0 && delay < MaxRetryDelay; n-- {
		delay *= 2
	}
	return min(delay, MaxRetryDelay)
}

// isDue reports whether the time is over that an item is kept back until. That is of the
// clock on the wall: one that has been put back by more than any delay counts as over.
func isDue(until uint64) bool {
	left := time.Until(time.Unix(0, int64(until)))
	return left <= 0 || left > MaxRetryDelay
}

// returned returns the row of the oldest item that is back from a lease and may be given
// out, or of any if early; -1: there is none.
func returned(c *shm.Change, early bool) (at int, row shm.Row) {
	at = -1
	for i, left := 0, c.Words[wordReturned]; left > 0 && i < c.Rows(); i++ {
		r := c.Row(i)
		if r[0] != rowReturned {
			continue
		}
		left--
		if (at < 0 || r[1] < row[1]) && (early || r[6] == 0 || isDue(r[6])) {
			at, row = i, r
		}
	}
	return at, row
}

// takeBack counts that r, row i, is not back any more.
func takeBack(c *shm.Change, at int, r shm.Row) {
	c.Words[wordReturned]--
	if r[6] == 0 {
		return
	}
	c.Words[wordDelayed]--
	c.Words[wordDue] = 0
	for i, left := 0, c.Words[wordDelayed]; left > 0 && i < c.Rows(); i++ {
		if o := c.Row(i); i != at && o[0] == rowReturned && o[6] != 0 {
			left--
			if c.Words[wordDue] == 0 || o[6] < c.Words[wordDue] {
				c.Words[wordDue] = o[6]
			}
		}
	}
}

// awaitItem waits until it may be that there is an item, or the end.
func (q *Queue) awaitItem(w shm.Wait) error {
	for {
		until := w
		if q.t.Word(wordDelayed) > 0 { // no bell rings when the time has come
			left := time.Until(time.Unix(0, int64(q.t.Word(wordDue))))
			if l := w.Left(); l < 0 || left < l {
				until = shm.WaitFor(min(max(left, time.Millisecond), lookEvery))
			}
		}
		err := q.t.Await(bellItem, until, q.worthALook)
		if l := w.Left(); until == w || l == 0 || !errors.Is(err, shm.ErrTimeout) {
			return err
		}
	}
}
