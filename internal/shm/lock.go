package shm

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// A Lock is held by an open file, and so by each process that has inherited its
// descriptor: by a command that took this process's place, and by what that has
// started. When the last one is gone, however it went, the kernel gives the lock
// to the next.
type Lock struct{ *Object }

// AcquireLock takes the lock name, which exists from its first use. ErrTimeout:
// it was not free in time. Close frees it, unless another process has it, too.
func (d *Dir) AcquireLock(name string, w Wait) (*Lock, error) {
	for {
		o, err := d.OpenOrMake(name, KindLock, nil)
		if err != nil {
			return nil, err
		}
		l := &Lock{o}
		if err = l.acquire(w); err == nil {
			return l, nil
		}
		_ = l.Close()
		if !errors.Is(err, ErrRemoved) {
			return nil, err
		}
	}
}

// acquire takes the lock. ErrRemoved: it is no longer the one of its name.
func (l *Lock) acquire(w Wait) error {
	err := l.lockByte(lockByte, unix.F_WRLCK, false)
	if errors.Is(err, unix.EAGAIN) {
		err = l.queue(w)
	}
	if err != nil {
		return err
	}
	return l.guardedWithin(w, func() error {
		l.dismiss(Holds) // who is still listed holds it no more
		l.enter(unix.Getpid(), Holds, 0)
		return nil
	})
}

// queue waits for the lock, listed among those who do.
func (l *Lock) queue(w Wait) error {
	if _, over := w.left(); over {
		return ErrTimeout
	}
	at := -1
	if err := l.guardedWithin(w, func() error { at = l.enter(unix.Getpid(), Waits, 0); return nil }); err != nil {
		return err
	}
	err := l.wait(w)
	lerr := l.touching(func() error { l.leave(at); return nil })
	return errors.Join(err, lerr)
}

// wait waits in the kernel's queue.
func (l *Lock) wait(w Wait) error {
	if !w.limited {
		return l.lockByte(lockByte, unix.F_WRLCK, true)
	}
	// The call has no time limit, and no signal of ours ends it. Its descriptor is a
	// copy, for it may outlast l; the lock would go with that.
	fd, err := unix.FcntlInt(l.f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	got := make(chan error, 1)
	go func() {
		err := setLock(uintptr(fd), lockByte, unix.F_WRLCK, true)
		unix.Close(fd)
		got <- err
	}()
	select {
	case err := <-got:
		return err
	case <-time.After(time.Until(w.until)):
		return ErrTimeout
	}
}

// Held reports whether somebody has the lock, but for l itself: its own lock stands
// in nobody's way.
func (l *Lock) Held() (bool, error) {
	lk := unix.Flock_t{Type: unix.F_WRLCK, Start: lockByte, Len: 1}
	err := unix.FcntlFlock(l.f.Fd(), unix.F_OFD_GETLK, &lk)
	return lk.Type != unix.F_UNLCK, err
}
