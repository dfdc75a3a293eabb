package shm

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A slotWaiter is this process while it wants a slot. It takes one at once if more are
// free than others wait for. Else it takes a ticket, and locks the byte of its number as
// long as it waits: a lock of the kernel's, which goes with the process. Each waits for
// the byte before its own, and only the head, which has none before it, watches those
// who hold slots (see semwatch.go). So an end wakes one process, however many wait, and
// nobody is overtaken.
//
// From time to time the others look, too: a head that is stopped takes nothing, and
// there may be more slots free than it waits for.
type slotWaiter struct {
	*Sem
	me     identity
	ended  []takenSlot // holders that are known to have ended
	rung   uint32      // the bell when it last looked
	at     int         // its place among the parties that wait; -1: none
	queued bool
	number int64 // of its ticket

	before int64         // the ticket that it waits for
	passed <-chan error  // tells that nobody has that any more; nil: it does not wait for one
	pause  time.Duration // how long it does before it looks
}

const (
	ticketByte = guardByte << 1 // of ticket 0
	tickets    = 1 << 60        // they begin again

	// lookPause is how long one that is not the head sleeps at first, which doubles.
	lookPause = time.Second
	mostPause = 16 * time.Second
)

// try takes a slot if one is free for this process. If none is, it queues, if it is to.
func (w *slotWaiter) try(queue bool) (got bool, err error) {
	err = w.guarded(func() error {
		for _, h := range w.ended {
			if w.holder(h.place) == h.id {
				w.forget(h.place)
				step()
			}
		}
		w.ended = nil
		place, err := w.findMine()
		switch {
		case err != nil:
			return err
		case place >= 0:
			w.take(place, w.me)
			w.leave(w.at)
			step()
			w.at, got = -1, true
		case queue && !w.queued:
			return w.queue()
		}
		return nil
	})
	return got, err
}

// queue takes a ticket. The guard must be held.
func (w *slotWaiter) queue() error {
	w.number = w.myNumber()
	if err := w.lockByte(ticketByte+w.number, unix.F_WRLCK, false); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	step()
	w.ticket().Store(uint64(w.number + 1))
	step()
	w.queued, w.at = true, w.enterAs(w.me, Waits, 0)
	return nil
}

// leaveQueue gives the ticket back.
func (w *slotWaiter) leaveQueue() {
	if w.queued {
		w.leave(w.at)
		step()
		_ = unix.FcntlFlock(w.f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK, Start: ticketByte}) // our own: all from there on
	}
}

// myNumber returns the number of this process's ticket, or of the one that it would take.
func (w *slotWaiter) myNumber() int64 {
	if w.queued {
		return w.number
	}
	return int64(w.ticket().Load() % tickets)
}

// findMine returns a free place if more slots are free than others wait for before this
// process; else -1. The guard must be held.
func (w *slotWaiter) findMine() (place int, err error) {
	if place, err = w.findFree(1); place < 0 {
		return place, err
	}
	spans := [][2]int64{{0, w.myNumber()}} // where there may be tickets not counted yet
	for before := 0; len(spans) > 0; {
		last := spans[len(spans)-1]
		spans = spans[:len(spans)-1]
		n, err := w.ticketIn(last[0], last[1])
		if err != nil {
			return -1, err
		}
		if n < 0 {
			continue
		}
		before++
		if place, err = w.findFree(before + 1); place < 0 {
			return place, err
		}
		spans = append(spans, [2]int64{last[0], n}, [2]int64{n + 1, last[1]})
	}
	return place, nil
}

// ticketIn returns one of the tickets from one number to below another that others have;
// -1: there is none.
func (w *slotWaiter) ticketIn(from, to int64) (number int64, err error) {
	if from >= to {
		return -1, nil
	}
	// Whoever has waited for a ticket has a lock for reading there, which is none.
	lk := unix.Flock_t{Type: unix.F_RDLCK, Start: ticketByte + from, Len: to - from}
	if err := unix.FcntlFlock(w.f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return -1, fmt.Errorf("see who waits: %w", err)
	}
	if lk.Type == unix.F_UNLCK {
		return -1, nil
	}
	return min(max(lk.Start-ticketByte, from), to-1), nil
}

// wait waits until there may be a slot for this process, or it is to look anyway.
func (w *slotWaiter) wait(limit Wait) error {
	// The ticket before is the likeliest to be waited for, and then by one alone.
	for least := max(0, w.number-1); ; least = 0 {
		n, err := w.ticketIn(least, w.number)
		step()
		switch {
		case err != nil:
			return err
		case n < 0 && least > 0:
			continue
		case n < 0:
			return w.watch(limit)
		}
		if passed, err := w.waitBehind(n, limit); !passed || err != nil {
			return err
		}
	}
}

// waitBehind waits until nobody has the ticket of a number any more, or it is to look.
func (w *slotWaiter) waitBehind(number int64, limit Wait) (passed bool, err error) {
	if w.passed == nil || w.before != number {
		if err := w.follow(number); err != nil {
			return false, err
		}
	}
	d := w.pause
	if left := limit.Left(); left >= 0 {
		d = min(d, left)
	}
	select {
	case err := <-w.passed:
		w.passed = nil
		return true, err
	case <-time.After(d):
		w.pause = min(2*w.pause, mostPause)
		return false, nil
	}
}

// follow has w.passed tell when nobody has the ticket of a number any more.
func (w *slotWaiter) follow(number int64) error {
	// The call has no time limit, and no signal of ours ends it. Its descriptor is a
	// copy, for it may outlast w.
	fd, err := unix.FcntlInt(w.f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	passed := make(chan error, 1)
	go func() {
		err := setLock(uintptr(fd), ticketByte+number, unix.F_RDLCK, true)
		unix.Close(fd)
		passed <- err
	}()
	w.before, w.passed, w.pause = number, passed, lookPause
	return nil
}
