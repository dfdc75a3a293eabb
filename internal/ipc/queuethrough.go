package ipc

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// The marks of the table of a queue that lasts.
const (
	markPut      = iota // up to where its log has been written through
	markAcked           // up to where its acks have been
	markNamed           // how many names in its directory have been
	markFailures        // how often it could not be written through
)

// ErrThrough: it is not known whether what was written is on the disk.
var ErrThrough = errors.New("it could not be written through to the disk, and may not outlast the machine's stop")

// turnPatience is how long a process waits for its turn to write through: whoever has the
// turn does it for all who wait, unless he is stopped.
var turnPatience = time.Second // a test has another

// A stream is one of the two that are written through: the log, and the acks.
type stream struct {
	mark, tail int // a mark, a word
	path       func(uint64) string
}

func (q *Queue) putStream() *stream { return &stream{markPut, wordTail, q.logs.path} }
func (q *Queue) ackStream() *stream { return &stream{markAcked, wordAckTail, q.logs.ackPath} }

// failures returns how often the queue could not be written through. Who is to write takes
// note of that first.
func (q *Queue) failures() uint64 {
	if !q.lasts {
		return 0
	}
	return q.t.Mark(markFailures)
}

// through has what was written to s before place be on the disk; there had been so many
// failures when that began. The disk says once that it could not write, and has then
// forgotten what: so a failure since is one for all who have written meanwhile.
func (q *Queue) through(s *stream, place, failures uint64) error {
	if !q.lasts {
		return nil
	}
	for q.t.Mark(s.mark) < place && q.failures() == failures {
		if err := q.t.InTurn(s.mark, turnPatience, func() error { return q.throughInTurn(s, place, failures) }); err != nil {
			return err
		}
	}
	if q.failures() != failures { // asked last: what a success after it says is of no worth
		return ErrThrough
	}
	return nil
}

// throughInTurn writes all through that others have written by now, unless another has done
// that, or tried to.
func (q *Queue) throughInTurn(s *stream, place, failures uint64) error {
	from := q.t.Mark(s.mark)
	if from >= place || q.failures() != failures {
		return nil
	}
	to, named := q.t.Word(s.tail), q.t.Word(wordNamed)
	err := q.syncFiles(s, from>>32, to>>32)
	if err == nil && (named != q.t.Mark(markNamed) || s.mark == markAcked && from>>32 != to>>32) {
		err = onDisk.syncDir(q.logs.dir)
	}
	if err != nil {
		q.t.CountMark(markFailures)
		return fmt.Errorf("%w: %w", ErrThrough, err)
	}
	if s.mark == markAcked && from>>32 != to>>32 {
		q.forgetAcks(to >> 32)
	}
	q.t.RaiseMark(markNamed, named)
	q.t.RaiseMark(s.mark, to)
	return nil
}

// syncFiles syncs the files of s from number n to last. One that is not there has been had.
func (q *Queue) syncFiles(s *stream, n, last uint64) error {
	for ; n <= last; n++ {
		f, err := onDisk.open(s.path(n), os.O_RDWR)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = onDisk.sync(f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetAcks removes the files of acks before number n.
func (q *Queue) forgetAcks(n uint64) {
	all, _ := q.logs.list("acks") // an error: they stay until the next time
	for _, old := range all {
		if old < n {
			_ = onDisk.remove(q.logs.ackPath(old))
		}
	}
}

// acked has what this process has written down of items be on the disk.
func (q *Queue) acked() error {
	if !q.ackDue {
		return nil
	}
	q.ackDue, q.ackedAt = false, time.Now()
	return q.through(q.ackStream(), q.ackedTo, q.ackFailures)
}
