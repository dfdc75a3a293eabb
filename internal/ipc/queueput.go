package ipc

import (
	"bytes"
	"fmt"

	"mpx/internal/shm"
)

// Put puts items at the queue's end, in their order, as many at a time as there is
// room for, and returns how many it has put: they stay, whatever happens to this
// process, and where the queue lasts to the machine. ErrQueueClosed: the queue is closed.
// shm.ErrTimeout: it was full, and w was over first.
func (q *Queue) Put(items []Item, w shm.Wait) (n int, err error) {
	failures := q.failures()
	n, to, err := q.put(items, w)
	if n > 0 && q.lasts {
		if terr := q.through(q.putStream(), to, failures); terr != nil {
			return 0, terr
		}
	}
	return n, err
}

// put is Put, but for writing through. What it has put stands before the place to.
func (q *Queue) put(items []Item, w shm.Wait) (n int, to uint64, err error) {
	for {
		err := q.change(w, func(c *shm.Change) error {
			s := stateOf(&c.Words)
			k := len(items) - n
			switch {
			case s.Closed:
				return ErrQueueClosed
			case s.Most > 0:
				k = min(k, s.Most-s.Waiting)
			}
			if k <= 0 {
				return nil
			}
			put, err := q.append(c, items[n:n+k])
			n, to = n+put, c.Words[wordTail]
			return err
		})
		if err != nil || n == len(items) {
			return n, to, err
		}
		if err := q.t.Await(bellRoom, w, q.hasRoom); err != nil {
			return n, to, err
		}
	}
}

// hasRoom reports whether a put may have an effect.
func (q *Queue) hasRoom() bool {
	t := q.t
	most := t.Word(wordMax)
	return most == 0 || t.Word(wordClosed) != 0 || t.Word(wordPut)-t.Word(wordTaken)+t.Word(wordReturned) < most
}

// append adds the first of items to the log: short ones up to the end of a segment,
// or a long one.
func (q *Queue) append(c *shm.Change, items []Item) (n int, err error) {
	w := &c.Words
	number := w[wordPut]
	place, err := q.logs.ready(w[wordTail])
	if err != nil {
		return 0, err
	}
	if offsetOf(place) == 0 {
		w[wordNamed]++
	}
	if items[0].f != nil {
		// Noted first, so that no kill leaves a file that nobody knows.
		c.Note(wordLinking, number+1)
		if err := q.logs.link(items[0].f, number); err != nil {
			return 0, fmt.Errorf("name a long item: %w", err)
		}
		w[wordNamed]++
	}
	var records []byte
	next := place
	for n < len(items) && next>>32 == place>>32 && (items[n].f == nil || n == 0) {
		i := &items[n]
		at := len(records)
		records = q.logs.appendRecord(records, next, number+uint64(n), i)
		next = after(next, len(records)-at)
		if n++; i.f != nil {
			break
		}
	}
	if err := q.logs.write(place, records); err != nil {
		return 0, err
	}
	w[wordPut] += uint64(n)
	w[wordTail] = next
	w[wordLinking] = 0
	return n, nil
}

// takeOff takes the first item off the log, and returns its row, and the item if it
// is short.
func (q *Queue) takeOff(c *shm.Change) (row shm.Row, data []byte, err error) {
	w := &c.Words
	r, size, err := q.logs.read(w[wordHead], w[wordTaken])
	if err != nil {
		return row, nil, err
	}
	row[1], row[2], row[4] = w[wordTaken], w[wordHead], r.length
	w[wordHead] = after(w[wordHead], size)
	w[wordTaken]++
	return row, bytes.Clone(r.data), nil
}
