package shm

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrNotHeld is the error of who uses a condition without its lock (Python:
// AssertionError, RuntimeError "cannot notify on un-acquired lock").
var ErrNotHeld = errors.New("its lock is not held here")

// A Cond is a condition of the lock of its name. Who waits gives the lock up and
// has it again afterwards. A notification goes to as many as live, the longest
// waiting first, and never waits for them; with nobody there it is lost, as
// Python's.
//
//	64  number of the last ticket (u64)    72  bell (u32)
type Cond struct {
	*Object
	// held is the descriptor, handed down by mpx lock, that the lock belongs to.
	held int
}

const (
	condLast = ownOffset
	condBell = ownOffset + 8
)

// OpenCond opens the condition name for a process that holds the lock name by a
// descriptor it has inherited.
func (d *Dir) OpenCond(name string) (*Cond, error) {
	o, err := d.OpenOrMake(name, KindLock, nil)
	if err != nil {
		return nil, err
	}
	held, err := o.inherited()
	if err != nil {
		o.Close()
		return nil, err
	}
	return &Cond{o, held}, nil
}

// inherited returns the descriptor of this process by which it holds the lock:
// one of another opening of the file than o's, to which the lock is no obstacle.
func (o *Object) inherited() (int, error) {
	if o.lockFree(int(o.f.Fd())) {
		return -1, ErrNotHeld // nobody holds it
	}
	var own unix.Stat_t
	if err := unix.Fstat(int(o.f.Fd()), &own); err != nil {
		return -1, err
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1, err
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		var st unix.Stat_t
		if err != nil || fd == int(o.f.Fd()) || unix.Fstat(fd, &st) != nil || st.Ino != own.Ino || st.Dev != own.Dev {
			continue
		}
		if o.lockFree(fd) {
			return fd, nil
		}
	}
	return -1, ErrNotHeld
}

// lockFree reports whether nobody but the opening of fd holds the lock.
func (o *Object) lockFree(fd int) bool {
	l := unix.Flock_t{Type: unix.F_WRLCK, Start: lockByte, Len: 1}
	return unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &l) == nil && l.Type == unix.F_UNLCK
}

// Wait gives up the lock, waits, as the process pid, until it is notified, and
// takes the lock again. ErrTimeout: it was not notified in time; the lock is held
// all the same.
func (c *Cond) Wait(pid int, w Wait) error {
	at, err := c.queue(pid, w)
	if err != nil {
		return err
	}
	if err := setLock(uintptr(c.held), lockByte, unix.F_UNLCK, true); err != nil {
		return err
	}
	werr := c.await(c.uint32At(condBell), w, func() bool { return c.ticketAt(at).verdict() != waiting })
	if lerr := setLock(uintptr(c.held), lockByte, unix.F_WRLCK, true); lerr != nil {
		return lerr
	}
	return c.outcome(at, w, werr)
}

// WaitUntil waits until ready says so, which it asks while the lock is held: at
// first, after each notification, and once more when w is over (Python's wait_for).
// ErrTimeout: it never did. An error of ready's ends the wait, too.
func (c *Cond) WaitUntil(pid int, w Wait, ready func() (bool, error)) error {
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		if _, over := w.left(); over {
			return ErrTimeout
		}
		if err := c.Wait(pid, w); err != nil && !errors.Is(err, ErrTimeout) {
			return err
		}
	}
}

// queue gives the process pid the next ticket, at place at.
func (c *Cond) queue(pid int, w Wait) (at int, err error) {
	err = c.guardedWithin(w, func() error {
		number := c.uint64At(condLast).Add(1)
		if at = c.enter(pid, Sleeps, uint64(newTicket(number))); at < 0 {
			return errors.New("there is no room for another who waits")
		}
		return nil
	})
	return at, err
}

// outcome takes the one at place at off the list, and returns how its wait went,
// which has ended by err.
func (c *Cond) outcome(at int, w Wait, err error) error {
	gerr := c.guardedWithin(w, func() error {
		if c.ticketAt(at).verdict() == granted {
			err = nil // just in time
		}
		c.leave(at)
		return nil
	})
	if gerr != nil {
		return gerr
	}
	return err
}

// Notify wakes the n that have waited longest, of those that live, and returns
// how many there were. An *UnknownError: of one that cannot be told, and nobody is woken.
func (c *Cond) Notify(n int) (woken int, err error) {
	err = c.guarded(func() error {
		var all []int
		for i := range parties {
			lives := true
			if c.role(i) != 0 {
				if lives, err = c.party(i).lives(); err != nil {
					return err
				}
			}
			switch {
			case !lives:
				c.leave(i)
			case c.waits(i, Sleeps):
				all = append(all, i)
			}
		}
		slices.SortFunc(all, func(a, b int) int { return int(c.ticketAt(a).number()) - int(c.ticketAt(b).number()) })
		for _, i := range all[:min(n, len(all))] {
			c.judge(i, granted)
			woken++
		}
		if woken > 0 {
			ring(c.uint32At(condBell))
		}
		return nil
	})
	return woken, err
}
