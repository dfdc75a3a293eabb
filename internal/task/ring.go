package task

import "math/bits"

// A Ring puts numbered items back in order: items come in any order, each
// number once, and leave in the order of their numbers. It grows to the
// longest stretch between the next number and the furthest one held; the
// window of a run is what bounds that. A Ring is not safe for use by several
// goroutines.
type Ring[T any] struct {
	next  uint64 // the number of the item that Pop gives next
	held  int
	slots []slot[T] // item i stands in slots[i & (len-1)]; the length is a power of two
}

type slot[T any] struct {
	full bool
	item T
}

const minRing = 16

// NewRing returns an empty ring whose first item has number first.
func NewRing[T any](first uint64) *Ring[T] { return &Ring[T]{next: first} }

// Next returns the number of the item that is to leave next.
func (r *Ring[T]) Next() uint64 { return r.next }

// Len returns how many items r holds.
func (r *Ring[T]) Len() int { return r.held }

// Put adds item number index. The number must not have left yet, nor be held.
func (r *Ring[T]) Put(index uint64, item T) {
	if index < r.next {
		panic("bug: ring item whose turn is over")
	}
	if index-r.next >= uint64(len(r.slots)) {
		r.grow(index - r.next)
	}
	s := r.slot(index)
	if s.full {
		panic("bug: ring item put twice")
	}
	s.full, s.item = true, item
	r.held++
}

// Ready reports whether the next item in order is there.
func (r *Ring[T]) Ready() bool { return r.held > 0 && r.slot(r.next).full }

// Pop takes out the next item in order; ok is false when it has not come yet.
func (r *Ring[T]) Pop() (item T, ok bool) {
	if r.held == 0 {
		return item, false
	}
	s := r.slot(r.next)
	if !s.full {
		return item, false
	}
	item, *s = s.item, slot[T]{} // cleared, so that nothing is kept alive
	r.held--
	r.next++
	return item, true
}

// Skip goes on by n numbers: those items need no reordering, or will never come.
// None may be held.
func (r *Ring[T]) Skip(n int) {
	if n > 0 && r.held > 0 && r.slot(r.next).full {
		panic("bug: ring item skipped while held")
	}
	r.next += uint64(n)
}

func (r *Ring[T]) slot(index uint64) *slot[T] {
	return &r.slots[index&uint64(len(r.slots)-1)]
}

// grow makes room for the item that is ahead places after next.
func (r *Ring[T]) grow(ahead uint64) {
	if ahead>>40 != 0 {
		panic("bug: ring item out of any window")
	}
	old := r.slots
	r.slots = make([]slot[T], max(minRing, 1<<bits.Len64(ahead)))
	for i := range uint64(len(old)) {
		index := r.next + i
		*r.slot(index) = old[index&uint64(len(old)-1)]
	}
}
