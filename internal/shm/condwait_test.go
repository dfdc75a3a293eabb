package shm

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Tests of Python's conditions (test_multiprocessing.py, _TestCondition), whose
// sleepers are goroutines here, each with an opening of the lock of its own.

// withCond calls f with the condition c, whose lock is held.
func withCond(d *Dir, f func(*Cond) error) error {
	fd, err := unix.Open(d.file("c"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := setLock(uintptr(fd), lockByte, unix.F_WRLCK, true); err != nil {
		return err
	}
	o, err := d.Open("c", KindLock)
	if err != nil {
		return err
	}
	c := &Cond{o, fd}
	defer c.Close()
	return errors.Join(f(c), c.mustHold())
}

func (c *Cond) mustHold() error {
	if !c.lockFree(c.held) || c.lockFree(int(c.f.Fd())) {
		return errors.New("the lock is not held after the wait")
	}
	return nil
}

// condDir returns a directory with the condition c.
func condDir(t *testing.T) *Dir {
	t.Helper()
	d := testDir(t)
	o, err := d.OpenOrMake("c", KindLock, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return d
}

// sleepAll has n waits begin, each listed before the next, and returns how they end.
func sleepAll(t *testing.T, d *Dir, n int) (ended []chan error) {
	t.Helper()
	for i := range n {
		c := make(chan error, 1)
		go func() {
			c <- withCond(d, func(c *Cond) error { return c.Wait(os.Getpid(), WaitFor(patience)) })
		}()
		ended = append(ended, c)
		asleep(t, d, i+1)
	}
	return ended
}

// wantNotified notifies n, who must be so many.
func wantNotified(t *testing.T, d *Dir, n, want int) {
	t.Helper()
	noError(t, withCond(d, func(c *Cond) error {
		if got, err := c.Notify(n); got != want || err != nil {
			return fmt.Errorf("notify %d: %d, %w; want %d", n, got, err, want)
		}
		return nil
	}))
}

// wantAwake checks that these waits, and no others, have ended well.
func wantAwake(t *testing.T, d *Dir, ended, rest []chan error) {
	t.Helper()
	for i, c := range ended {
		if err := <-c; err != nil {
			t.Errorf("sleeper %d: %v", i, err)
		}
	}
	asleep(t, d, len(rest))
}

// test_notify_n: 2 of 6, then the other 4; then there is nobody.
func TestCondNotifyTwoThenFourOfSix(t *testing.T) {
	d := condDir(t)
	ended := sleepAll(t, d, 6)
	wantNotified(t, d, 2, 2)
	wantAwake(t, d, ended[:2], ended[2:])
	wantNotified(t, d, 4, 4)
	wantAwake(t, d, ended[2:], nil)
	wantNotified(t, d, 3, 0)
}

// test_notify_all: 6 that have run out of time are no longer there; all of 6 others
// are woken.
func TestCondNotifyAllAfterTimeouts(t *testing.T) {
	d := condDir(t)
	over := make(chan error)
	for range 6 {
		go func() {
			over <- withCond(d, func(c *Cond) error { return c.Wait(os.Getpid(), WaitFor(10*time.Millisecond)) })
		}()
	}
	for range 6 {
		if err := <-over; !errors.Is(err, ErrTimeout) {
			t.Errorf("one with little time: %v", err)
		}
	}
	ended := sleepAll(t, d, 6)
	wantNotified(t, d, math.MaxInt, 6)
	wantAwake(t, d, ended, nil)
	if list := partiesOf(t, d, "c"); len(list) > 0 {
		t.Errorf("still listed: %v", list)
	}
}

// A notification that nobody waits for wakes nobody later.
func TestCondNotifyIsLost(t *testing.T) {
	d := condDir(t)
	wantNotified(t, d, 1, 0)
	wantNotified(t, d, math.MaxInt, 0)
	for _, limit := range []time.Duration{-time.Second, 0, time.Millisecond} {
		err := withCond(d, func(c *Cond) error { return c.Wait(os.Getpid(), WaitFor(limit)) })
		if !errors.Is(err, ErrTimeout) {
			t.Errorf("a wait of %v afterwards: %v", limit, err)
		}
	}
}

// Python's notify waits until each whom it woke says so, for ever if one has died
// (gh-75158). Here the dead are passed over, and cost nobody a notification.
func TestCondNotifyPassesOverTheDead(t *testing.T) {
	d := condDir(t)
	dead := deadIdentity(t, d)
	kill := func(c *Cond) error {
		at, err := c.queue(os.Getpid(), Wait{})
		c.becomes(at, dead)
		return err
	}
	noError(t, withCond(d, kill))
	ended := sleepAll(t, d, 2)
	noError(t, withCond(d, kill))
	wantNotified(t, d, 1, 1)
	wantAwake(t, d, ended[:1], ended[1:])
	wantNotified(t, d, math.MaxInt, 1)
	wantAwake(t, d, ended[1:], nil)
	noError(t, withCond(d, kill))
	wantNotified(t, d, math.MaxInt, 0)
}

// The longest waiting is first, also when another that came later has the place of
// one that came before.
func TestCondNotifyLongestWaiting(t *testing.T) {
	d := condDir(t)
	ended := sleepAll(t, d, 3)
	wantNotified(t, d, 1, 1)
	wantAwake(t, d, ended[:1], ended[1:])
	late := make(chan error, 1)
	go func() { late <- withCond(d, func(c *Cond) error { return c.Wait(os.Getpid(), WaitFor(patience)) }) }()
	asleep(t, d, 3)
	wantNotified(t, d, 2, 2)
	wantAwake(t, d, ended[1:], []chan error{late})
	wantNotified(t, d, 1, 1)
	wantAwake(t, d, []chan error{late}, nil)
}

// Who waits when the lock is removed ends with that, once.
func TestCondRemoved(t *testing.T) {
	d := condDir(t)
	ended := sleepAll(t, d, 1)
	o, err := d.Open("c", KindLock)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	noError(t, o.Remove())
	if err := <-ended[0]; err == nil || err.Error() != ErrRemoved.Error() {
		t.Errorf("%q", err)
	}
}

// test_waitfor: it waits on while what is asked is not so, whoever notifies.
func TestCondWaitUntil(t *testing.T) {
	d := condDir(t)
	var n atomic.Int32 // what is asked; the race detector does not see the lock
	ended := make(chan error, 1)
	go func() {
		ended <- withCond(d, func(c *Cond) error {
			return c.WaitUntil(os.Getpid(), WaitFor(patience), func() (bool, error) { return n.Load() == 4, nil })
		})
	}()
	for range 4 {
		asleep(t, d, 1)
		noError(t, withCond(d, func(c *Cond) error {
			n.Add(1)
			_, err := c.Notify(1)
			return err
		}))
	}
	noError(t, <-ended)
	if n.Load() != 4 {
		t.Errorf("it went on at %d", n.Load())
	}
}

// test_waitfor_timeout: when the time is over it asks once more, and that counts.
func TestCondWaitUntilTimeout(t *testing.T) {
	d := condDir(t)
	bad := errors.New("bad")
	for _, c := range []struct {
		limit time.Duration
		yes   int // which time it is so
		fail  int // which time it cannot be told
		asked int
		want  error
	}{
		{0, 1, 0, 1, nil},
		{0, 2, 0, 1, ErrTimeout},
		{-time.Hour, 2, 0, 1, ErrTimeout},
		{recheck, 2, 0, 2, nil},
		{recheck, 3, 0, 2, ErrTimeout},
		{recheck, 3, 2, 2, bad},
	} {
		asked := 0
		err := withCond(d, func(cond *Cond) error {
			return cond.WaitUntil(os.Getpid(), WaitFor(c.limit), func() (bool, error) {
				if asked++; asked == c.fail {
					return false, bad
				}
				return asked == c.yes, nil
			})
		})
		if !errors.Is(err, c.want) || c.want == nil && err != nil || asked != c.asked {
			t.Errorf("%+v: asked %d times: %v", c, asked, err)
		}
	}
	asleep(t, d, 0)
}
