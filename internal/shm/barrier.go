package shm

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
)

// ErrBroken is the error of a barrier one of whose parties has died or run out of
// time (Python's BrokenBarrierError).
var ErrBroken = errors.New("the barrier is broken")

// A Barrier lets n parties go on once all of them have come. A party that dies
// while it waits, or gives up, breaks it for all until Reset: nobody waits for the
// dead.
//
//	filling ──the nth party──▶ passed: all go on, the next generation fills
//	filling ──a party dies, gives up; Reset──▶ broken ──Reset──▶ filling
//
//	64  n (u32)            72  1 + the generation that has passed (u32)
//	68  generation (u32)   76  broken (u32)    80  bell (u32)
//
// Who is killed between two stores leaves a state that the next one settles: that
// a generation has passed is one store, and the verdicts follow from it.
type Barrier struct{ *Object }

const (
	barrierN          = ownOffset
	barrierGeneration = ownOffset + 4
	barrierPassed     = ownOffset + 8
	barrierBroken     = ownOffset + 12
	barrierBell       = ownOffset + 16
)

// MaxBarrier is the most parties that a barrier may have.
const MaxBarrier = parties - waiters

// OpenBarrier opens the barrier name of n parties, which exists from its first
// use. n 0: of as many as it has.
func (d *Dir) OpenBarrier(name string, n int) (*Barrier, error) {
	if n == 0 {
		o, err := d.Open(name, KindBarrier)
		if err != nil {
			return nil, err
		}
		return &Barrier{o}, nil
	}
	o, err := d.OpenOrMake(name, KindBarrier, func(o *Object) { o.uint32At(barrierN).Store(uint32(n)) })
	if err != nil {
		return nil, err
	}
	b := &Barrier{o}
	if have := b.N(); have != n {
		b.Close()
		return nil, &SizeError{name, have, n}
	}
	return b, nil
}

// A SizeError says that an object has another number of parties or slots.
type SizeError struct {
	Name       string
	Have, Want int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s is for %d, not for %d", e.Name, e.Have, e.Want)
}

// N returns how many parties the barrier is for.
func (b *Barrier) N() int { return int(b.uint32At(barrierN).Load()) }

// State returns how many parties wait, and whether the barrier is broken.
func (b *Barrier) State() (arrived int, broken bool, err error) {
	err = b.guarded(func() error {
		if err := b.settle(); err != nil {
			return err
		}
		arrived, broken = b.arrived(), b.isBroken()
		return nil
	})
	return arrived, broken, err
}

// Wait waits, as the process pid, until all parties have come, and returns the
// number of those that came before. ErrBroken: the barrier is, or was while it
// waited. ErrTimeout: w was over, and the barrier is broken.
func (b *Barrier) Wait(pid int, w Wait) (before int, err error) {
	at, before, err := b.arrive(pid, w)
	if err != nil {
		return before, err
	}
	return before, b.stay(at, w)
}

// arrive makes the process pid a party, at place at, with so many before it. With
// the last one the generation has passed.
func (b *Barrier) arrive(pid int, w Wait) (at, before int, err error) {
	err = b.guardedWithin(w, func() error {
		if err := b.settle(); err != nil {
			return err
		}
		if b.isBroken() {
			return ErrBroken
		}
		before = b.arrived()
		if at = b.enter(pid, Waits, uint64(newTicket(uint64(b.generation().Load())))); at < 0 {
			return errors.New("there is no room for another party")
		}
		if before+1 >= b.N() {
			b.uint32At(barrierPassed).Store(b.generation().Load() + 1)
			return b.settle()
		}
		return nil
	})
	return at, before, err
}

// stay waits for the verdict of the party at place at, and takes it off the list.
// It looks now and then whether all parties live.
func (b *Barrier) stay(at int, w Wait) error {
	for {
		bell := b.uint32At(barrierBell)
		err := b.await(bell, w.atMost(recheck), func() bool { return b.ticketAt(at).verdict() != waiting })
		if err != nil && !errors.Is(err, ErrTimeout) {
			return err
		}
		over := false
		if err != nil {
			_, over = w.left()
		}
		if done, err := b.outcome(at, w, over); done || err != nil {
			return err
		}
	}
}

// outcome takes the party at place at off the list and returns what came of it, once
// that is known. Who is over breaks the barrier if it is not.
func (b *Barrier) outcome(at int, w Wait, over bool) (done bool, err error) {
	err = b.guardedWithin(w, func() error {
		unknown := b.settle()
		verdict := b.ticketAt(at).verdict()
		if done = verdict != waiting || over || unknown != nil; !done {
			return nil
		}
		b.leave(at)
		switch verdict {
		case granted:
			return nil
		case denied:
			return ErrBroken
		}
		b.uint32At(barrierBroken).Store(1)
		_ = b.settle() // nobody is asked whether he lives
		return cmp.Or(unknown, ErrTimeout)
	})
	return done, err
}

// Reset makes the barrier whole and empty. For those who wait it is broken.
func (b *Barrier) Reset() error {
	return b.guarded(func() error {
		_ = b.settle() // whoever has died, it is broken
		b.uint32At(barrierBroken).Store(1)
		_ = b.settle()
		b.generation().Add(1)
		b.uint32At(barrierBroken).Store(0)
		return nil
	})
}

func (b *Barrier) generation() *atomic.Uint32 { return b.uint32At(barrierGeneration) }

func (b *Barrier) isBroken() bool { return b.uint32At(barrierBroken).Load() != 0 }

// settle brings the verdicts up to what has happened: the generation has passed,
// or somebody who waited has died. An *UnknownError: of one that cannot be told, and
// nothing else has happened. The guard must be held.
func (b *Barrier) settle() error {
	g := b.generation()
	verdict := uint64(granted)
	if b.uint32At(barrierPassed).Load() != g.Load()+1 {
		broken := b.isBroken()
		if !broken {
			var err error
			if broken, err = b.anyDead(); !broken {
				return err
			}
		}
		b.uint32At(barrierBroken).Store(1)
		verdict = denied
	}
	for i := range parties {
		if b.waits(i, Waits) {
			b.judge(i, verdict)
		}
	}
	if verdict == granted {
		g.Add(1)
	}
	ring(b.uint32At(barrierBell))
	return nil
}

// anyDead takes the dead off the list, and reports whether one of them waited. An
// *UnknownError: of one that cannot be told.
func (b *Barrier) anyDead() (dead bool, unknown error) {
	for i := range parties {
		if b.role(i) == 0 {
			continue
		}
		lives, err := b.party(i).lives()
		if err != nil {
			unknown = err
		} else if !lives {
			dead = dead || b.waits(i, Waits)
			b.leave(i)
		}
	}
	return dead, unknown
}

// arrived returns how many wait in this generation.
func (b *Barrier) arrived() (n int) {
	for i := range parties {
		if b.waits(i, Waits) {
			n++
		}
	}
	return n
}
