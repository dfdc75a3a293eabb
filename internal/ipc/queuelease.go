package ipc

import (
	"errors"
	"io"
	"os"
	"time"

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
	died    bool // who had it before
}

// hold gives the item out to this process.
func (l *Lease) hold(c *shm.Change) {
	delay := min(max(l.q.RetryDelay, 0), MaxRetryDelay).Milliseconds()
	l.Row[3] = uint64(l.Deliveries()+1) | uint64(delay)<<delayShift
	l.Row.Hold()
	c.Set(l.row, l.Row)
	c.Words[wordLeased]++
}

// open gets the item itself, or ends the lease. ok is false if the item is lost.
func (l *Lease) open() (ok bool, err error) {
	if l.Row[4]&longItem != 0 {
		ok, err = l.openLong()
	} else if ok = l.data != nil; !ok {
		var r record
		if r, _, err = l.q.logs.read(l.Row[2], l.Row[1]); err == nil {
			ok, l.data = true, append([]byte{}, r.data...)
		}
	}
	switch {
	case err == nil && !ok, errors.Is(err, errNoRecord):
		return false, l.lost()
	case err != nil:
		err = errors.Join(err, l.Undo())
	}
	return ok, err
}

// openLong opens the file of a long item, if it is what was put.
func (l *Lease) openLong() (ok bool, err error) {
	r, _, err := l.q.logs.read(l.Row[2], l.Row[1])
	if err != nil {
		return false, err
	}
	l.file, err = os.Open(l.q.logs.longPath(l.Row[1]))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return isIntact(l.file, l.Size(), r.fileSum)
}

// Size returns the item's length in bytes.
func (l *Lease) Size() int64 { return int64(l.Row[4] &^ longItem) }

// Number returns the item's number in the queue, from 0.
func (l *Lease) Number() uint64 { return l.Row[1] }

// Deliveries returns how often the item has been given out, this time included.
func (l *Lease) Deliveries() int { return int(uint32(l.Row[3])) }

// Died reports whether the process that had the item before has died with it.
func (l *Lease) Died() bool { return l.died }

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
func (l *Lease) Done() error { return l.finish(ackDone, 1) }

// Take takes the item out of the queue; TaskDone says that it is done.
func (l *Lease) Take() error { return l.finish(ackTook, 0) }

// ackEvery is how often TakeNext writes through that items were taken.
const ackEvery = time.Second

// TakeNext takes the item out, as Take does, and leases the next one by the same change,
// if it can be had so. nil: Lease tells what there is. Only then, and now and then, is it
// written through what was taken.
func (l *Lease) TakeNext() (next *Lease, err error) {
	err = l.end(ackTook, 0, func(c *shm.Change) {
		l.finished(c, 0)
		next = l.q.nextIn(c, l.row)
	})
	if err == nil && (next == nil || time.Since(l.q.ackedAt) > ackEvery) {
		err = l.q.acked()
	}
	if err != nil {
		return nil, err
	}
	if next != nil {
		var ok bool
		if ok, err = next.open(); !ok {
			return nil, err
		}
	}
	return next, err
}

func (l *Lease) finish(ack uint32, done uint64) error {
	if err := l.end(ack, 0, func(c *shm.Change) { l.finished(c, done) }); err != nil {
		return err
	}
	return l.q.acked()
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

// Return puts the item back: when its RetryDelay is over it is the first of the queue,
// but for others that have been put back and are older.
func (l *Lease) Return() error {
	return l.end(0, 0, func(c *shm.Change) {
		row := l.Row
		row[5] = 0
		putBack(c, l.row, row)
	})
}

// Undo puts the item back as if it had not been given out this time.
func (l *Lease) Undo() error {
	return l.end(0, 0, func(c *shm.Change) {
		row := l.Row
		row[3] = uint64(l.Deliveries() - 1)
		row[5] = 0
		putBack(c, l.row, row)
	})
}

// end ends the lease by f, which ack writes down with y; 0: there is nothing to.
func (l *Lease) end(ack uint32, y uint64, f func(*shm.Change)) error {
	if l.file != nil {
		l.file.Close()
	}
	q := l.q
	failures, to := q.failures(), uint64(0)
	// It has begun to be, and so is not given up for a limit on the wait for an item.
	err := q.change(shm.Wait{}, func(c *shm.Change) error {
		if now := c.Row(l.row); now != l.Row {
			return errors.New("bug: a lease that is another's")
		}
		if ack != 0 {
			if err := q.ack(c, ack, l.Row[1], y); err != nil {
				return err
			}
			to = c.Words[wordAckTail]
		}
		c.Words[wordLeased]--
		f(c)
		return nil
	})
	if err != nil || ack == 0 || !q.lasts {
		return err
	}
	if !q.ackDue {
		q.ackDue, q.ackFailures = true, failures
	}
	q.ackedTo = to
	return nil
}
