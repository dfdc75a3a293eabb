package shm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"
)

// A Sem has slots, each of which belongs to a process: it comes back when that
// ends, however it does. The count is the kernel's, a System V set with SEM_UNDO:
// it stays with a process that becomes another command, and no child inherits it.
// What has to change together are semaphores of one set, so that a kill finds
// either all of a step done or nothing:
//
//	free   slots that nobody has
//	debt   slots that are to go: the set has been made smaller than what is held
//	size   how many there are meant to be; 0: the set has not been filled yet
//
// The file knows the set, and as much as it takes to make it anew when somebody
// has removed it (systemd's RemoveIPC does, as a user logs out):
//
//	64  key (i32)       68  id + 1 (u32), 0: none    72  size (u32)
//	76  strays (u32)    holders in the table of parties whose slot is of a set
//	                    that is gone: its id is not the one that is their own word
type Sem struct{ *Object }

// MaxSlots is how many slots a Sem may have.
const MaxSlots = 32767

const (
	semFree = iota
	semDebt
	semSize
	semNumber
)

type semCounts [semNumber]uint16

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
		o, err := d.OpenOrMake(name, KindSem, func(o *Object) {
			o.uint32At(ownOffset).Store(newSemKey())
			o.uint32At(ownOffset + 8).Store(uint32(max(1, slots)))
		})
		if err != nil {
			return nil, err
		}
		s := &Sem{o}
		err = s.touching(func() error {
			if err := s.fit(slots, resize); err != nil {
				return err
			}
			return s.acquire(w)
		})
		if err == nil {
			return s, nil
		}
		_ = s.Close()
		if !errors.Is(err, ErrRemoved) {
			return nil, err
		}
	}
}

// newSemKey returns a key that nobody has, as good as certainly. It is random, not
// made from the file's inode: those come again, and a file that was removed by
// other means leaves its set.
func newSemKey() uint32 { return 1 + rand.Uint32N(1<<31-1) } // 0 is IPC_PRIVATE

// fit sees to it that there are so many slots.
func (s *Sem) fit(slots int, resize bool) error {
	if slots == 0 {
		return nil
	}
	_, v, err := s.set()
	if err != nil {
		return err
	}
	have := int(v[semSize])
	switch {
	case have == slots:
		return nil
	case resize:
		return s.resize(slots)
	}
	return &SlotsError{s.Name, have, slots}
}

// acquire takes a slot.
func (s *Sem) acquire(w Wait) error {
	at, limit, nowait := -1, time.Duration(0), int16(unix.IPC_NOWAIT)
	for {
		id, _, err := s.set()
		if err != nil {
			return err
		}
		// Those who sleep wait for a free slot. If there is debt when one comes, it
		// pays for that, and they go on to sleep.
		err = semDo(id, limit, semOp{semFree, -1, semUndo | nowait}, semOp{semDebt, 0, unix.IPC_NOWAIT})
		switch {
		case err == nil:
			if err = s.enlist(&at, id, Holds); !errors.Is(err, errAnew) {
				return err
			}
		case semGone(err), errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN) && payDebt(id) == nil:
		case !errors.Is(err, unix.EAGAIN):
			return fmt.Errorf("acquire: %w", err)
		default:
			if _, over := w.left(); over {
				return errors.Join(ErrTimeout, s.enlist(&at, id, 0))
			}
			if err := s.enlist(&at, id, Waits); err != nil {
				return err
			}
			nowait = 0
		}
		limit = s.nap(w)
	}
}

// payDebt takes a free slot out of the set, if there is debt.
func payDebt(id int) error {
	return semDo(id, 0, semOp{semFree, -1, unix.IPC_NOWAIT}, semOp{semDebt, -1, unix.IPC_NOWAIT})
}

// nap returns how long a sleep may last; 0: for ever.
func (s *Sem) nap(w Wait) time.Duration {
	d, _ := w.left()
	switch {
	case s.uint32At(ownOffset+12).Load() > 0:
		return max(d, 1) // nobody is woken by the end of a stray
	case !w.limited:
		return 0
	}
	return max(time.Until(w.until), 1)
}

// errAnew says that the set has been made anew, without the slot just acquired.
var errAnew = errors.New("the set has been made anew")

// enlist lists this process in role, in place of what it is listed as at *at; 0: not
// at all. It also looks after the strays.
func (s *Sem) enlist(at *int, id int, role Role) error {
	return s.guarded(func() error {
		if err := s.reapStrays(); err != nil {
			return fmt.Errorf("give back what the dead held: %w", err)
		}
		switch {
		case role == Waits && *at >= 0:
			return nil
		case role == Holds && s.id() != id:
			return errAnew
		}
		s.leave(*at)
		if *at = -1; role != 0 {
			*at = s.enter(unix.Getpid(), role, uint64(id))
		}
		return nil
	})
}

// set returns the id of the set, and what it says. It makes the set if there is
// none, or none any more.
func (s *Sem) set() (id int, v semCounts, err error) {
	if id, v, err = s.known(); err == nil && v[semSize] > 0 {
		return id, v, nil
	}
	err = s.guarded(func() error {
		id, v, err = s.certain()
		return err
	})
	return id, v, err
}

// certain is set while the guard is held.
func (s *Sem) certain() (id int, v semCounts, err error) {
	id, v, err = s.known()
	if semGone(err) {
		id, err = s.makeSet()
	}
	if err == nil && v[semSize] == 0 {
		v, err = s.fill(id)
	}
	if err != nil {
		err = fmt.Errorf("make the set of semaphores: %w", err)
	}
	return id, v, err
}

// known returns the set that the file names. semGone tells of the error that there
// is none.
func (s *Sem) known() (id int, v semCounts, err error) {
	if id = s.id(); id < 0 {
		return id, v, unix.EINVAL
	}
	return id, v, semAll(id, semGetAll, &v)
}

func (s *Sem) id() int { return int(s.uint32At(ownOffset+4).Load()) - 1 }

// makeSet makes the set, not filled yet. The guard must be held. One that is there,
// and has never been filled, is that of a process which was killed right here.
func (s *Sem) makeSet() (id int, err error) {
	key := s.uint32At(ownOffset)
	for {
		id, err = semGet(int32(key.Load()), semNumber, unix.IPC_CREAT|unix.IPC_EXCL|0o600)
		if errors.Is(err, unix.EEXIST) {
			var v semCounts
			if id, err = semGet(int32(key.Load()), semNumber, 0); err == nil {
				err = semAll(id, semGetAll, &v)
			}
			if err != nil || v[semSize] > 0 { // another's
				key.Store(newSemKey())
				continue
			}
		}
		if err == nil {
			s.uint32At(ownOffset + 4).Store(uint32(id + 1))
		}
		return id, err
	}
}

// fill gives a new set its slots, less those that processes hold of the one before.
// The guard must be held.
func (s *Sem) fill(id int) (v semCounts, err error) {
	size := s.uint32At(ownOffset + 8).Load()
	if size == 0 || size > MaxSlots {
		return v, ErrDamaged
	}
	strays := uint32(0)
	for i := range parties {
		if s.role(i) != Holds {
			continue
		}
		lives, err := s.party(i).lives()
		switch {
		case err != nil:
			return v, err
		case lives:
			strays++
		default:
			s.leave(i) // it counts as free here, and must not come back once more
		}
	}
	s.uint32At(ownOffset + 12).Store(strays)
	v[semSize] = uint16(size)
	v[semFree] = uint16(size - min(size, strays))
	v[semDebt] = uint16(strays - min(size, strays))
	return v, semAll(id, semSetAll, &v)
}

// reapStrays puts the slots of strays that have ended into the set. The guard must
// be held.
func (s *Sem) reapStrays() error {
	strays := s.uint32At(ownOffset + 12)
	if strays.Load() == 0 {
		return nil
	}
	id, left := s.id(), uint32(0)
	for i := range parties {
		if !s.stray(i) {
			continue
		}
		lives, err := s.party(i).lives()
		if err != nil {
			return err
		}
		if lives {
			left++
			continue
		}
		s.leave(i)
		if err := semDo(id, 0, semOp{semFree, 1, unix.IPC_NOWAIT}); err != nil {
			return err
		}
	}
	strays.Store(left)
	return nil
}

// stray reports whether the party at place i has its slot of a set that is gone.
func (s *Sem) stray(i int) bool { return s.role(i) == Holds && s.own(i).Load() != uint64(s.id()) }

// resize changes the number of slots. The kernel's counts are changed by steps and
// never set: setting one forgets what the deaths of holders are to give back.
func (s *Sem) resize(slots int) error {
	return s.guarded(func() error {
		for {
			id, v, err := s.certain()
			if err == nil && int(v[semSize]) != slots {
				err = semDo(id, 0, resizing(v, slots)...)
			}
			switch {
			case err == nil:
				s.uint32At(ownOffset + 8).Store(uint32(slots))
				return nil
			case !errors.Is(err, unix.EAGAIN): // EAGAIN: who acquires is not guarded
				return fmt.Errorf("resize: %w", err)
			}
		}
	})
}

// resizing returns the step from v to so many slots: more of them first cancel the
// debt, fewer take what is free. It fails if v is no longer so.
func resizing(v semCounts, slots int) (ops []semOp) {
	add := func(num uint16, n int) {
		if n != 0 { // an operation of 0 would wait
			ops = append(ops, semOp{num, int16(n), unix.IPC_NOWAIT})
		}
	}
	k := slots - int(v[semSize])
	if k > 0 {
		paid := min(k, int(v[semDebt]))
		add(semDebt, -paid)
		add(semFree, k-paid)
	} else {
		free := min(-k, int(v[semFree]))
		add(semFree, -free)
		add(semDebt, -k-free)
	}
	add(semSize, k)
	return ops
}

// Counts returns how many slots there are, how many of them are free, and by how
// many more are held than there are since it was made smaller.
func (s *Sem) Counts() (slots, free, debt int, err error) {
	err = s.touching(func() error {
		_, v, err := s.known()
		if semGone(err) || v[semSize] == 0 {
			v[semSize] = uint16(s.uint32At(ownOffset + 8).Load())
			v[semFree], err = v[semSize], nil
		}
		paid := min(v[semFree], v[semDebt]) // as whoever comes next will see to
		slots, free, debt = int(v[semSize]), int(v[semFree]-paid), int(v[semDebt]-paid)
		return err
	})
	return slots, free, debt, err
}

// removeSet removes the set. The guard must be held.
func (s *Sem) removeSet() error {
	if id, _, err := s.known(); err == nil {
		return semRemove(id)
	}
	return nil
}
