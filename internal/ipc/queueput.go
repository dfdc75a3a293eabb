package ipc

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"mpx/internal/shm"
)

// Put puts items at the queue's end, in their order, as many at a time as there is
// room for, and returns how many it has put: they stay, whatever happens to this
// process. ErrQueueClosed: the queue is closed. shm.ErrTimeout: it was full, and w
// was over first.
func (q *Queue) Put(items []Item, w shm.Wait) (n int, err error) {
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
			n += put
			return err
		})
		if err != nil || n == len(items) {
			return n, err
		}
		if err := q.t.Await(bellRoom, w, q.hasRoom); err != nil {
			return n, err
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
	place, number := w[wordTail], w[wordPut]
	if items[0].f != nil {
		// Noted first, so that no kill leaves a file that nobody knows.
		c.Note(wordLinking, number+1)
		if err := q.logs.link(items[0].f, number); err != nil {
			return 0, fmt.Errorf("name a long item: %w", err)
		}
	}
	var records []byte
	next := place
	for n < len(items) && next>>32 == place>>32 && (items[n].f == nil || n == 0) {
		i := &items[n]
		at := len(records)
		records = appendRecord(records, number+uint64(n), i)
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
	r, err := q.logs.read(w[wordHead], w[wordTaken])
	if err != nil {
		return row, nil, err
	}
	row[1], row[2], row[4] = w[wordTaken], w[wordHead], binary.LittleEndian.Uint64(r)
	w[wordHead] = after(w[wordHead], len(r))
	w[wordTaken]++
	return row, bytes.Clone(r[recordHead:]), nil
}
