package ipc

import (
	"encoding/binary"
	"maps"
	"slices"

	"mpx/internal/shm"
)

// had is what of a queue has been had, as its acks tell.
type had struct {
	taken, out   uint64
	most, closed uint64
	open         map[uint64]bool // those before taken that have not been
}

// hadBy returns how that is where the change begins.
func hadBy(c *shm.Change) *had {
	s := stateOf(&c.Words)
	h := &had{
		taken: c.Words[wordTaken], out: uint64(s.Unfinished - s.Waiting - s.Leased),
		most: c.Words[wordMax], closed: c.Words[wordClosed], open: map[uint64]bool{},
	}
	for i := range c.Rows() {
		if r := c.Row(i); r[0] != 0 {
			h.open[r[1]] = true
		}
	}
	return h
}

// append returns the acks that a file at place begins with.
func (h *had) append(l *logs, place uint64) (b []byte) {
	add := func(kind uint32, x, y uint64) { b = l.appendAck(b, place+uint64(len(b)), kind, x, y) }
	add(ackState, h.taken, h.out)
	open := slices.Sorted(maps.Keys(h.open))
	for i, n := range open {
		add(ackOpen, n, uint64(len(open)-i))
	}
	add(ackBounds, h.most, h.closed) // last: it says that all are there
	return b
}

// read has h be what a file of acks tells that stands at place. ok: it does; whole: and
// none of it is damaged, but for its end.
func (h *had) read(l *logs, b []byte, place uint64) (ok, whole bool) {
	*h = had{open: map[uint64]bool{}}
	whole = true
	missing := false
	for at := 0; at+ackSize <= len(b); at += ackSize {
		a := b[at : at+ackSize]
		if binary.LittleEndian.Uint32(a) != sumOf(l.made, place+uint64(at), a[4:]) {
			missing = true
			if !ok {
				return false, false
			}
			continue
		}
		whole = whole && !missing
		kind, x, y := binary.LittleEndian.Uint32(a[4:]), binary.LittleEndian.Uint64(a[8:]), binary.LittleEndian.Uint64(a[16:])
		switch {
		case at == 0 && kind != ackState:
			return false, false
		case kind == ackState:
			h.taken, h.out = x, y
		case kind == ackOpen:
			h.open[x] = true
		case kind == ackBounds:
			h.most, h.closed, ok = x, y, true
		default:
			h.apply(kind, x, y)
		}
	}
	return ok, whole
}

func (h *had) apply(kind uint32, x, y uint64) {
	switch kind {
	case ackDone:
		h.finish(x, 1)
	case ackTook:
		h.finish(x, 1)
		h.out++
	case ackTold:
		h.out = max(h.out, 1) - 1
	case ackLost:
		h.finish(x, y)
	case ackClosed:
		h.closed = 1
	}
}

// finish says that n items have been had, from one on.
func (h *had) finish(first, n uint64) {
	for i := first; i < min(first+n, h.taken); i++ {
		delete(h.open, i)
	}
	h.pass(first)
	h.taken = max(h.taken, first+n)
}

// pass says that an item from n on has been had before those that stand in front of it.
func (h *had) pass(n uint64) {
	for ; h.taken < n; h.taken++ {
		h.open[h.taken] = true
	}
}
