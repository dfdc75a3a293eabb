package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// A queue that lasts writes down what becomes of its items in files of acks, one after the
// other. Each begins with how the queue was then: an ackState, an ackBounds, and an
// ackOpen for each item that others behind it were taken before. An ack is
//
//	0  sum: CRC-32C as that of a record, over the rest of the ack (u32)
//	4  kind (u32)
//	8  two numbers, which the kind gives a meaning (u64 each)
const ackSize = 24

// ackFileSize is the size from which on another file is begun. The room of a file is
// reserved twice: on a full disk what a segment has can be had, which makes room.
var ackFileSize = int64(1 << 20) // that of a test is smaller

// The kinds of acks.
const (
	ackState  = iota + 1 // all items before this number have been had; so many are out: taken, and not said to be done
	ackBounds            // its maxsize; 1: it is closed
	ackOpen              // this item has not been had; so many of these follow
	ackDone              // this item is done
	ackTook              // this item is out
	ackTold              // one that is out is done
	ackLost              // from this item on so many are lost
	ackClosed            // the queue is closed
)

func (l *logs) appendAck(b []byte, place uint64, kind uint32, x, y uint64) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint64(b, x)
	b = binary.LittleEndian.AppendUint64(b, y)
	binary.LittleEndian.PutUint32(b[at:], sumOf(l.made, place, b[at+4:]))
	return b
}

// ack writes down what a change makes of an item, before the change is made. A change may
// do that once, and first.
func (q *Queue) ack(c *shm.Change, kind uint32, x, y uint64) error {
	if !q.lasts {
		return nil
	}
	place, err := q.ackPlace(c)
	if err == nil {
		err = onDisk.write(q.logs.acks.f, q.logs.appendAck(nil, place, kind, x, y), offsetOf(place))
	}
	if err != nil {
		return fmt.Errorf("write down what was had: %w", err)
	}
	c.Words[wordAckTail] = place + ackSize
	return nil
}

// ackPlace returns where the next ack is to be written, with its file open.
func (q *Queue) ackPlace(c *shm.Change) (uint64, error) {
	place, l := c.Words[wordAckTail], &q.logs
	err := l.acks.open(l.ackPath, place>>32, os.O_RDWR)
	var size int64
	if err == nil {
		size, err = l.acks.f.Seek(0, io.SeekEnd)
	}
	whole := err == nil && size >= offsetOf(place) // else another program has made it shorter
	if whole && offsetOf(place) < ackFileSize {
		return place, nil
	}
	had := hadBy(c)
	next, err := l.beginAcks(place>>32+1, had)
	if whole && errors.Is(err, unix.ENOSPC) {
		return place, l.acks.open(l.ackPath, place>>32, os.O_RDWR)
	}
	return next, err
}

// beginAcks begins file n of acks, and returns the place behind what it begins with.
func (l *logs) beginAcks(n uint64, h *had) (uint64, error) {
	l.acks.close()
	if err := l.acks.open(l.ackPath, n, os.O_RDWR|os.O_CREATE|os.O_TRUNC); err != nil {
		return 0, err
	}
	err := unix.Fallocate(int(l.acks.f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, 2*ackFileSize)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINTR) {
		err = nil // not all file systems can
	}
	b := h.append(l, n<<32)
	if err == nil {
		err = onDisk.write(l.acks.f, b, 0)
	}
	if err != nil {
		l.acks.close()
		return 0, errors.Join(err, onDisk.remove(l.ackPath(n)))
	}
	return n<<32 + uint64(len(b)), nil
}
