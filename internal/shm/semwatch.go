package shm

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// mostWatched is how many of those who have slots a head watches.
	mostWatched = 128
	// deafPause is how long it does not hear the bell at first, which takes a thread.
	deafPause = 5 * time.Millisecond
	// blindPause is how long it sleeps if it cannot watch them all.
	blindPause = 20 * time.Millisecond
)

// headPause is how long a head that nothing wakes sleeps before it looks.
var headPause = recheck

// watch waits until one who has a slot ends, or the bell is rung, or for a while.
// Afterwards w.ended has those who have ended, as far as that is known.
func (w *slotWaiter) watch(limit Wait) error {
	list, err := w.listed()
	if size, _, _ := w.bounds(); err != nil || len(list) < size { // one is free by now
		return err
	}
	for _, h := range list {
		if vacant(h.id.pid) {
			w.ended = append(w.ended, h)
		}
	}
	if len(w.ended) > 0 {
		return nil
	}
	list = w.longestHeld(list)
	fds, blind := w.openHolders(list)
	step()
	if len(w.ended) == 0 && poll(fds, limit.atMost(deafPause)) == 0 {
		bell, pause := w.hearBell(), headPause
		if blind || bell < 0 {
			pause = blindPause
		}
		fds = append(fds, unix.PollFd{Fd: int32(bell), Events: unix.POLLIN})
		poll(fds, limit.atMost(pause))
	}
	step()
	for i, p := range fds {
		if p.Fd >= 0 {
			unix.Close(int(p.Fd))
		}
		// It was the holder's, or that of one who has got its pid since.
		if p.Revents != 0 && i < len(list) {
			w.ended = append(w.ended, list[i])
		}
	}
	if len(w.ended) == 0 {
		w.ended = w.endedHolders()
	}
	return nil
}

// longestHeld returns as many of the slots as can be watched: those that have been held
// longest, whose holders are likeliest to end.
func (w *slotWaiter) longestHeld(list []takenSlot) []takenSlot {
	slices.SortFunc(list, func(a, b takenSlot) int {
		return w.since(parties + a.place).Compare(w.since(parties + b.place))
	})
	return list[:min(len(list), mostWatched)]
}

// openHolders returns pidfds of the processes, and whether one cannot be watched. Those
// that are gone are in w.ended.
func (w *slotWaiter) openHolders(list []takenSlot) (fds []unix.PollFd, blind bool) {
	for _, h := range list {
		fd, err := unix.PidfdOpen(h.id.pid, 0)
		switch {
		case errors.Is(err, unix.ESRCH):
			w.ended = append(w.ended, h)
		case err != nil:
			blind = true
		}
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	return fds, blind
}

// hearBell returns a descriptor that says something when the bell has been rung since
// this process last looked, or else after a while; -1: there are too many open.
func (w *slotWaiter) hearBell() (fd int) {
	var p [2]int
	if unix.Pipe2(p[:], unix.O_CLOEXEC) != nil {
		return -1
	}
	bell, rung := w.bell(), w.rung
	go func() {
		sleep(bell, rung, headPause)
		unix.Close(p[1])
	}()
	return p[0]
}

// poll waits until one of fds has something to say, and returns how many have.
func poll(fds []unix.PollFd, limit Wait) int {
	n, _ := unix.Poll(fds, int((limit.Left()+time.Millisecond-1)/time.Millisecond)) // an error: it is to look again
	return n
}
