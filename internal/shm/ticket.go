package shm

import "sync/atomic"

// A ticket is the own word of a party that waits until another says what came of
// it: of a barrier's generation, or in a condition's queue.
//
//	number << 2 | verdict
//
// Its party alone takes it off the list, so that it cannot miss the verdict.
//
//	waiting ──▶ granted | denied
type ticket uint64

const (
	waiting = 0
	granted = 1
	denied  = 2
)

func newTicket(number uint64) ticket { return ticket(number << 2) }

func (t ticket) number() uint64  { return uint64(t) >> 2 }
func (t ticket) verdict() uint64 { return uint64(t) & 3 }

// ticketAt returns the ticket at place i.
func (o *Object) ticketAt(i int) ticket { return ticket(o.own(i).Load()) }

func (o *Object) own(i int) *atomic.Uint64 { return o.uint64At(partyOffset + i*partySize + 24) }

// judge gives the ticket at place i its verdict. The guard must be held.
func (o *Object) judge(i int, verdict uint64) {
	t := o.ticketAt(i)
	o.own(i).Store(uint64(t)&^3 | verdict)
}

// waits reports whether the party at place i, in role, has no verdict yet.
func (o *Object) waits(i int, role Role) bool {
	return o.role(i) == role && o.ticketAt(i).verdict() == waiting
}

// ring wakes all who sleep at the bell.
func ring(bell *atomic.Uint32) {
	bell.Add(1)
	wakeAll(bell)
}
