package shm

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// A Sender is the end of a ring that messages are put in at. It is for one
// goroutine at a time.
type Sender struct{ e *ringEnd }

// Sender makes this process the sender. ErrAttached: there is one already.
func (r *Ring) Sender() (*Sender, error) {
	e, err := r.attach(ringSender, ringReceiver, ringPut, ringTaken)
	if err != nil {
		return nil, err
	}
	e.sayClosed = ErrClosed
	return &Sender{e}, nil
}

// A LengthError says that a message does not fit.
type LengthError struct{ Length, Room int }

func (e *LengthError) Error() string {
	return fmt.Sprintf("a message of %d bytes, and room for %d", e.Length, e.Room)
}

// Send puts in a message. ErrTimeout: there was no room to begin before w was over,
// and nothing was put in; a message that has begun is finished, however long the
// receiver takes. ErrClosed, ErrPeerDied: the receiver will take no more.
// A *LengthError: the message is too long for a float channel.
func (s *Sender) Send(b []byte, w Wait) error {
	e := s.e
	need := ringHead + padded(len(b))
	first := min(need, len(e.buf)/2&^7)
	if e.alone {
		if first = len(e.buf); need > first {
			return &LengthError{len(b), first - ringHead}
		}
	}
	if err := e.room(first, w); err != nil {
		return err
	}
	e.head(e.mine).Store(uint64(len(b)))
	at := ringHead // behind the counter
	for {
		n := min(e.piece, len(b))
		e.put(e.mine+uint64(at), b[:n])
		e.count(at + padded(n)) // a piece is a multiple of 8, but for the last
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		at = 0
		if err := e.room(min(e.piece, padded(len(b))), Wait{}); err != nil {
			return err
		}
	}
}

// room waits until there is room for n bytes.
func (e *ringEnd) room(n int, w Wait) error {
	if e.closedHere || e.peer.closed.Load() != 0 {
		return ErrClosed
	}
	if e.peerDied {
		if err := e.gone(); err != nil { // room is of no use
			return err
		}
	}
	free := func() bool { return len(e.buf)-int(e.mine-e.seen) >= n }
	if !free() {
		if err := e.await(w, free); err != nil {
			return err
		}
	}
	return within(e.mine-e.seen, e.buf)
}

// SendFloats is Send of doubles.
func (s *Sender) SendFloats(values []float64, w Wait) error { return s.Send(bytesOf(values), w) }

// Expect says that the process pid will be the receiver: that it ends counts, also
// before it has come.
func (s *Sender) Expect(pid int) { s.e.expect(pid) }

// Close says that no message follows.
func (s *Sender) Close() { s.e.close() }

// A Receiver is the end of a ring that messages are taken out at. It is for one
// goroutine at a time.
type Receiver struct {
	e      *ringEnd
	length int // of the message that comes next; -1: not known yet
}

// Receiver makes this process the receiver. ErrAttached: there is one already.
func (r *Ring) Receiver() (*Receiver, error) {
	e, err := r.attach(ringReceiver, ringSender, ringTaken, ringPut)
	if err != nil {
		return nil, err
	}
	e.sayClosed = io.EOF
	return &Receiver{e, -1}, nil
}

// Recv takes out the next message, and returns its length. io.EOF: the sender has
// closed its end, and all is taken. ErrPeerDied: it has ended, and what it put in
// whole is taken. ErrTimeout: no message has begun in time. A *LengthError: b is too
// short for it; it stays.
func (r *Receiver) Recv(b []byte, w Wait) (int, error) {
	e := r.e
	if r.length < 0 {
		if err := e.there(ringHead, w); err != nil {
			return 0, err
		}
		n := e.head(e.mine).Load()
		if n > math.MaxInt64-ringHead-7 {
			return 0, ErrDamaged
		}
		r.length = int(n)
	}
	n := r.length
	if n > len(b) {
		return 0, &LengthError{n, len(b)}
	}
	b = b[:n]
	for at := ringHead; ; at = 0 {
		m := min(e.piece, len(b))
		if err := e.there(at+padded(m), Wait{}); err != nil {
			if errors.Is(err, io.EOF) {
				err = ErrPeerDied // in the middle of a message
			}
			return 0, err
		}
		e.take(b[:m], e.mine+uint64(at))
		e.count(at + padded(m))
		if b = b[m:]; len(b) == 0 {
			r.length = -1
			return n, nil
		}
	}
}

// there waits until n bytes are to be taken.
func (e *ringEnd) there(n int, w Wait) error {
	if e.closedHere {
		return ErrClosed
	}
	have := func() bool { return int(e.seen-e.mine) >= n }
	if !have() {
		if err := e.await(w, have); err != nil {
			return err
		}
	}
	return within(e.seen-e.mine, e.buf)
}

// within is the error of a counter that no peer of ours has set.
func within(used uint64, buf []byte) error {
	if used > uint64(len(buf)) {
		return ErrDamaged
	}
	return nil
}

// RecvFloats is Recv of doubles; it returns how many there were.
func (r *Receiver) RecvFloats(values []float64, w Wait) (int, error) {
	n, err := r.Recv(bytesOf(values), w)
	return n / 8, err
}

// Expect says that the process pid will be the sender: that it ends counts, also
// before it has come.
func (r *Receiver) Expect(pid int) { r.e.expect(pid) }

// Close says that no message will be taken.
func (r *Receiver) Close() { r.e.close() }
