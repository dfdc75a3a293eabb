package ipc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// An Item is one that is to be put. Close it when it has been.
type Item struct {
	b    []byte
	f    *os.File // of a long one: a file without a name
	size int64    // of that
}

// Close lets go of a long item's file.
func (i *Item) Close() {
	if i.f != nil {
		i.f.Close()
	}
}

// Item returns an item of the bytes that r has, which may be many: they are not held
// in memory.
func (q *Queue) Item(r io.Reader) (Item, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxShort+1))
	if err != nil || len(b) <= maxShort {
		return Item{b: b}, err
	}
	return q.long(b, r)
}

// Copy returns an item for q of one that another queue has given out.
func (q *Queue) Copy(l *Lease) (Item, error) {
	if l.file == nil {
		return q.ItemOf(l.data)
	}
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return Item{}, err
	}
	return q.Item(l.file)
}

// ItemOf returns an item of b, which must not change until the item is put.
func (q *Queue) ItemOf(b []byte) (Item, error) {
	if len(b) <= maxShort {
		return Item{b: b}, nil
	}
	return q.long(b, nil)
}

// long writes a long item to a file that has no name yet, so that a kill leaves
// nothing. Nor has it a directory yet: to make the queue's takes the guard, as the queue
// may be removed at any time.
func (q *Queue) long(b []byte, r io.Reader) (Item, error) {
	dir := q.t.In().Path()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return Item{}, fmt.Errorf("make a file for a long item: %w", err)
	}
	f := os.NewFile(uintptr(fd), dir)
	n, err := f.Write(b)
	size := int64(n)
	if err == nil && r != nil {
		var more int64
		more, err = io.Copy(f, r)
		size += more
	}
	if err != nil {
		f.Close()
		return Item{}, fmt.Errorf("write a long item: %w", err)
	}
	return Item{f: f, size: size}, nil
}

// Put puts items at the queue's end, in their order, as many at a time as there is
// room for, and returns how many it has put: they stay, whatever happens to this
// process. ErrQueueClosed: the queue is closed. shm.ErrTimeout: it was full, and w
// was over first.
func (q *Queue) Put(items []Item, w shm.Wait) (n int, err error) {
	for {
		err := q.change(func(c *shm.Change) error {
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
	return l.q.change(func(c *shm.Change) error {
		if now := c.Row(l.row); now != l.Row {
			return errors.New("bug: a lease that is another's")
		}
		c.Words[wordLeased]--
		f(c)
		return nil
	})
}
