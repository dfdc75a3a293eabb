package shm

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// A Sem has slots, each of which belongs to a process and is free when that has ended,
// however it has: a place of a table names the process, and nothing is ever given back.
// So a slot stays with a process that becomes another command, closes its descriptors
// (ssh and sudo do) or moves to other namespaces, and no child inherits it. A lock of
// the kernel's goes with the first close of its file, and what a System V semaphore is
// to undo with the namespace.
//
//	64  size (u32)    how many slots there are
//	68  room (u32)    so many places may be taken: more than size when it has been
//	                  made smaller than what is held
//	72  next (u32)    the place to look at first
//	76  bell (u32)    rung as size changes, or the name goes
//	80  ticket (u64)  the next that who waits takes (see semqueue.go)
//
// The places follow the table of parties, in entries of the same form. The file is as
// long as the most of them; those up to room have pages.
type Sem struct{ *Object }

// MaxSlots is how many slots a Sem may have.
const MaxSlots = 32767

// A SlotsError says that a Sem has another number of slots.
type SlotsError struct {
	Name       string
	Have, Want int
}

func (e *SlotsError) Error() string {
	return fmt.Sprintf("sem %s has %d slots, not %d", e.Name, e.Have, e.Want)
}

// AcquireSem takes one of the slots of the sem name, which exists from its first
// use. It stays this process's until that ends, as Close leaves it. slots is how
// many there are; 0: as many as there are, one in a new sem. *SlotsError: there is
// another number, which resize changes. ErrTimeout: none was free in time.
func (d *Dir) AcquireSem(name string, slots int, resize bool, w Wait) (*Sem, error) {
	for {
		s, err := d.openSem(name, max(1, slots))
		if errors.Is(err, ErrExists) { // it has come just now
			continue
		}
		if err != nil {
			return nil, err
		}
		if err = s.fit(slots, resize); err == nil {
			err = s.acquire(w)
		}
		if err == nil {
			return s, nil
		}
		_ = s.Close()
		if !errors.Is(err, ErrRemoved) {
			return nil, err
		}
	}
}

// openSem opens the sem name, or makes it with so many slots.
func (d *Dir) openSem(name string, slots int) (*Sem, error) {
	const most = MaxSlots * partySize
	o, err := d.Open(name, KindSem)
	if errors.Is(err, ErrNotExist) {
		o, err = d.make(name, KindSem, most, slots*partySize, false, func(o *Object) {
			s := &Sem{o}
			s.size().Store(uint32(slots))
			s.room().Store(uint32(slots))
		})
	}
	if err != nil {
		return nil, err
	}
	if len(o.b) != dataOffset+most {
		o.Close()
		return nil, ErrDamaged
	}
	return &Sem{o}, nil
}

func (s *Sem) size() *atomic.Uint32   { return s.uint32At(ownOffset) }
func (s *Sem) room() *atomic.Uint32   { return s.uint32At(ownOffset + 4) }
func (s *Sem) next() *atomic.Uint32   { return s.uint32At(ownOffset + 8) }
func (s *Sem) bell() *atomic.Uint32   { return s.uint32At(ownOffset + 12) }
func (s *Sem) ticket() *atomic.Uint64 { return s.uint64At(ownOffset + 16) }

// bounds returns size and room, which is never less.
func (s *Sem) bounds() (size, room int, err error) {
	size, room = int(s.size().Load()), int(s.room().Load())
	if size < 1 || size > MaxSlots || room > MaxSlots || len(s.b) < dataOffset+room*partySize {
		return 0, 0, ErrDamaged
	}
	return size, max(size, room), nil // size may have grown between the two
}

// wakeHead has the first of those who wait look again.
func (s *Sem) wakeHead() { ring(s.bell()) }

// fit sees to it that there are so many slots.
func (s *Sem) fit(slots int, resize bool) error {
	if slots == 0 {
		return nil
	}
	return s.touching(func() error {
		have, _, err := s.bounds()
		switch {
		case err != nil || have == slots:
			return err
		case resize:
			return s.resize(slots)
		}
		return &SlotsError{s.Name, have, slots}
	})
}

// resize changes the number of slots. Nobody loses the one that he has: with fewer,
// places beyond size are taken for as long as their processes last.
func (s *Sem) resize(slots int) error {
	return s.guarded(func() error {
		_, room, err := s.bounds()
		if err != nil {
			return err
		}
		if slots > room {
			if err := reserve(s.f, dataOffset+slots*partySize); err != nil {
				return fmt.Errorf("resize its file: %w", err)
			}
			step()
			s.room().Store(uint32(slots))
		}
		step()
		s.size().Store(uint32(slots))
		step()
		s.wakeHead()
		step()
		return nil
	})
}

// Counts returns how many slots there are, how many of them are free, and by how
// many more are held than there are since it was made smaller.
func (s *Sem) Counts() (slots, free, over int, err error) {
	err = s.touching(func() error {
		size, room, err := s.bounds()
		held := 0
		for i := range room {
			if id := s.holder(i); id.pid != 0 && !id.ended() {
				held++
			}
		}
		slots, free, over = size, max(0, size-held), max(0, held-size)
		return err
	})
	return slots, free, over, err
}

// acquire takes a slot.
func (s *Sem) acquire(limit Wait) error {
	id, err := me()
	if err != nil {
		return err
	}
	w := &slotWaiter{Sem: s, me: id, at: -1}
	return s.touching(func() error {
		defer w.leaveQueue()
		for {
			_, over := limit.left()
			w.rung = s.bell().Load()
			got, err := w.try(!over)
			switch {
			case got || err != nil:
				return err
			case !over:
				err = w.wait(limit)
			default: // it must be certain that all who are listed live
				if w.ended = s.endedHolders(); len(w.ended) == 0 {
					err = ErrTimeout
				}
			}
			if err != nil {
				return err
			}
		}
	})
}
