package ipc

import (
	"bytes"
	"errors"
	"io"
	"os"

	"mpx/internal/shm"
)

// A Lease is an item that has been given out to this process. It ends by one of
// Done, Take and Return.
type Lease struct {
	shm.Row // as it stands in the table
	q       *Queue
	row     int
	data    []byte
	file    *os.File
}

// hold gives the item out to this process.
func (l *Lease) hold(c *shm.Change) {
	l.Row[3]++
	l.Row.Hold()
	c.Set(l.row, l.Row)
	c.Words[wordLeased]++
}

// open gets the item itself.
func (l *Lease) open() (err error) {
	switch {
	case l.Row[4]&longItem != 0:
		l.file, err = os.Open(l.q.logs.longPath(l.Row[1]))
	case l.data == nil:
		var r []byte
		if r, err = l.q.logs.read(l.Row[2], l.Row[1]); err == nil {
			l.data = bytes.Clone(r[recordHead:])
		}
	}
	if err != nil {
		err = errors.Join(err, l.Return())
	}
	return err
}

// Size returns the item's length in bytes.
func (l *Lease) Size() int64 { return int64(l.Row[4] &^ longItem) }

// Number returns the item's number in the queue, from 0.
func (l *Lease) Number() uint64 { return l.Row[1] }

// Deliveries returns how often the item has been given out, this time included.
func (l *Lease) Deliveries() int { return int(l.Row[3]) }

// Bytes returns the item, if it is short; a long one is a File.
func (l *Lease) Bytes() []byte { return l.data }

// File returns the file that a long item is; nil: it is short. It is closed when the
// lease ends.
func (l *Lease) File() *os.File { return l.file }

// WriteTo writes the item to w.
func (l *Lease) WriteTo(w io.Writer) (int64, error) {
	if l.file == nil {
		n, err := w.Write(l.data)
		return int64(n), err
	}
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, l.file)
}

// Done says that the item is done.
func (l *Lease) Done() error { return l.finish(1) }

// Take takes the item out of the queue; TaskDone says that it is done.
func (l *Lease) Take() error { return l.finish(0) }

// TakeNext takes the item out, as Take does, and leases the next one by the same change,
// if it can be had so. nil: Lease tells what there is.
func (l *Lease) TakeNext() (next *Lease, err error) {
	err = l.end(func(c *shm.Change) {
		l.finished(c, 0)
		next = l.q.nextIn(c, l.row)
	})
	if err != nil {
		return nil, err
	}
	if next != nil {
		err = next.open()
	}
	return next, err
}

func (l *Lease) finish(done uint64) error {
	return l.end(func(c *shm.Change) { l.finished(c, done) })
}

// finished makes the row free, and tells which files are of no use any more.
func (l *Lease) finished(c *shm.Change, done uint64) {
	c.Set(l.row, shm.Row{})
	c.Words[wordDone] += done
	if l.Row[4]&longItem != 0 {
		c.Words[wordReleased] = l.Row[1] + 1
	}
	segment := l.Row[2] >> 32
	if segment == c.Words[wordHead]>>32 {
		return
	}
	for i := range c.Rows() {
		if r := c.Row(i); r[0] != 0 && r[2]>>32 == segment {
			return
		}
	}
	c.Words[wordRubbish] = segment + 1
}

// Return puts the item back: it is the first of the queue, but for others that have
// been put back and are older.
func (l *Lease) Return() error {
	return l.end(func(c *shm.Change) {
		row := l.Row
		row[0] = rowReturned
		c.Set(l.row, row)
		c.Words[wordReturned]++
	})
}

func (l *Lease) end(f func(*shm.Change)) error {
	if l.file != nil {
		l.file.Close()
	}
	// It has begun to be, and so is not given up for a limit on the wait for an item.
	return l.q.change(shm.Wait{}, func(c *shm.Change) error {
		if now := c.Row(l.row); now != l.Row {
			return errors.New("bug: a lease that is another's")
		}
		c.Words[wordLeased]--
		f(c)
		return nil
	})
}

// Lease gives out the first item, to this process, until it is done, taken or
// returned; if this process dies first, it is returned. io.EOF: the queue is closed,
// and nothing is left of it, not on lease either. shm.ErrTimeout: there was none in
// time.
func (q *Queue) Lease(w shm.Wait) (*Lease, error) {
	for {
		var l *Lease
		err := q.change(w, func(c *shm.Change) (err error) {
			l, err = q.lease(c)
			return err
		})
		if l != nil && err == nil {
			err = l.open()
		}
		if l != nil || err != nil {
			return l, err
		}
		if err := q.t.Await(bellItem, w, q.worthALook); err != nil {
			return nil, err
		}
	}
}

// AwaitItem waits until there is an item, or the end. It takes nothing.
func (q *Queue) AwaitItem(w shm.Wait) error {
	for {
		if err := q.t.Await(bellItem, w, q.worthALook); err != nil {
			return err
		}
		var there bool
		err := q.change(w, func(c *shm.Change) error {
			q.look(c)
			s := stateOf(&c.Words)
			there = s.Waiting > 0 || s.Closed && s.Leased == 0
			return nil
		})
		if err != nil || there {
			return err
		}
	}
}

// worthALook reports whether there may be an item, or the end.
func (q *Queue) worthALook() bool {
	t := q.t
	leased := t.Word(wordLeased)
	return t.Word(wordTaken) != t.Word(wordPut) || t.Word(wordReturned) > 0 ||
		leased > 0 && lookDue(t.Word(wordLooked)) ||
		leased == 0 && t.Word(wordClosed) != 0
}

// lease is Lease as a change. nil: there is no item now.
func (q *Queue) lease(c *shm.Change) (*Lease, error) {
	if q.look(c) {
		return nil, nil // a change sets one row: again
	}
	s := stateOf(&c.Words)
	switch {
	case s.Waiting == 0 && s.Closed && s.Leased == 0:
		return nil, io.EOF
	case s.Waiting == 0:
		return nil, nil
	}
	l := &Lease{q: q}
	if l.row, l.Row = returned(c); l.row < 0 {
		if l.row = free(c); l.row < 0 {
			return nil, ErrLeases
		}
		var err error
		if l.Row, l.data, err = q.takeOff(c); err != nil {
			return nil, err
		}
	} else {
		c.Words[wordReturned]--
	}
	l.hold(c)
	return l, nil
}

// nextIn leases the first item in row, which the change makes free. nil: it takes more
// than that, or something else first.
func (q *Queue) nextIn(c *shm.Change, row int) *Lease {
	w := &c.Words
	if w[wordPut] == w[wordTaken] || w[wordReturned] > 0 || w[wordLeased] > 0 && lookDue(w[wordLooked]) {
		return nil
	}
	l := &Lease{q: q, row: row}
	var err error
	if l.Row, l.data, err = q.takeOff(c); err != nil {
		return nil // the change stands; the next to lease finds the same
	}
	l.hold(c)
	return l
}
