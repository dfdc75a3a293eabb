package shm

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// A waitable is an object to wait for, and what ends the wait.
type waitable struct {
	*Object
	wait func(Wait) error
	free func() error
}

// waitables makes, in d, one of each kind that lists who waits only if it must.
func waitables(t *testing.T, d *Dir) []waitable {
	t.Helper()
	e, err := d.OpenEvent("event")
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.MakeSemaphore("semaphore", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); s.Close() })
	return []waitable{{e.Object, e.Wait, e.Set}, {s.Object, s.Acquire, s.Release}}
}

// wantWaiting waits until so many are listed as waiting for name.
func wantWaiting(t *testing.T, d *Dir, name string, want int) {
	t.Helper()
	eventually(t, fmt.Sprint(want, " wait for ", name), func() bool { return waitingFor(t, d, name) == want })
}

func waitingFor(t *testing.T, d *Dir, name string) (n int) {
	t.Helper()
	for _, p := range partiesOf(t, d, name) {
		if p.Role == Waits {
			n++
		}
	}
	return n
}

// Who waits is listed until the wait ends, whichever way it does.
func TestWaiterIsListed(t *testing.T) {
	d := testDir(t)
	for _, o := range waitables(t, d) {
		ended := make(chan error)
		wait := func(w Wait) {
			go func() { ended <- o.wait(w) }()
			wantWaiting(t, d, o.Name, 1)
		}
		wait(Wait{})
		if list := partiesOf(t, d, o.Name); list[0].PID != os.Getpid() || time.Since(list[0].Since) > patience {
			t.Errorf("%s: listed as %+v", o.Name, list[0])
		}
		noError(t, o.free())
		if err := <-ended; err != nil || waitingFor(t, d, o.Name) != 0 {
			t.Errorf("%s: after a success, %v, %d are listed", o.Name, err, waitingFor(t, d, o.Name))
		}
		if o.Kind == KindEvent {
			noError(t, (&Event{o.Object}).Clear())
		}
		wait(WaitFor(2 * recheck))
		if err := <-ended; !errors.Is(err, ErrTimeout) || waitingFor(t, d, o.Name) != 0 {
			t.Errorf("%s: after a timeout, %v, %d are listed", o.Name, err, waitingFor(t, d, o.Name))
		}
		wait(Wait{})
		noError(t, o.Remove())
		if err := <-ended; !errors.Is(err, ErrRemoved) || o.waitersListed() != 0 {
			t.Errorf("%s: after a removal, %v, %d are listed", o.Name, err, o.waitersListed())
		}
	}
}

// waitersListed counts the entries of those who wait, dead or alive.
func (o *Object) waitersListed() (n int) {
	for i := range parties {
		if o.role(i) == Waits {
			n++
		}
	}
	return n
}

// Who need not wait, or may not, never comes near the list: not even the guard, which
// another may have.
func TestNoWaitIsNotListed(t *testing.T) {
	d := testDir(t)
	for _, o := range waitables(t, d) {
		err := o.guarded(func() error {
			for _, limit := range []time.Duration{-time.Second, 0} {
				if err := o.wait(WaitFor(limit)); !errors.Is(err, ErrTimeout) {
					t.Errorf("%s: %v", o.Name, err)
				}
			}
			if err := o.free(); err != nil {
				return err
			}
			return o.wait(Wait{})
		})
		if err != nil || o.waitersListed() != 0 {
			t.Errorf("%s: %v, %d are listed", o.Name, err, o.waitersListed())
		}
	}
}

// Nobody waits for the guard to be listed: it may be held by a process that is
// stopped.
func TestWaitWhileGuarded(t *testing.T) {
	d := testDir(t)
	for _, o := range waitables(t, d) {
		other, err := d.Open(o.Name, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		err = other.guarded(func() error {
			if err := o.wait(WaitFor(time.Millisecond)); !errors.Is(err, ErrTimeout) {
				t.Errorf("%s: %v", o.Name, err)
			}
			if err := o.free(); err != nil {
				return err
			}
			return o.wait(Wait{})
		})
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
}

// However many wait already, one more waits as well, and is not listed.
func TestWaitersBeyondTheList(t *testing.T) {
	d := testDir(t)
	for _, o := range waitables(t, d) {
		noError(t, o.guarded(func() error { fill(o.Object, identity{1, 0}); return nil }))
		full := o.waitersListed()
		if err := o.wait(WaitFor(time.Millisecond)); !errors.Is(err, ErrTimeout) {
			t.Errorf("%s: %v", o.Name, err)
		}
		noError(t, o.free())
		if err := o.wait(WaitFor(patience)); err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
		if n := o.waitersListed(); n != full || full != parties-waiters {
			t.Errorf("%s: %d are listed, then %d", o.Name, full, n)
		}
	}
}

// fill lists the process as one that waits, in all places that there are. The guard
// must be held.
func fill(o *Object, id identity) {
	for o.enterAs(id, Waits, 0) >= 0 { //nolint:revive // until it is full
	}
}

// TestKillWaiter kills those who wait: they vanish from the list by themselves, and
// their places are others'.
func TestKillWaiter(t *testing.T) {
	d := testDir(t)
	o := waitables(t, d)[0]
	cmd, out := start(t, d, "wait", o.Name)
	wantLine(t, out, "waits")
	wantWaiting(t, d, o.Name, 1)
	id, _ := identityOf(cmd.Process.Pid)
	noError(t, o.guarded(func() error { fill(o.Object, id); return nil }))
	if n := waitingFor(t, d, o.Name); n != parties-waiters {
		t.Errorf("%d wait at the same time", n)
	}
	killed(t, cmd)
	if list := partiesOf(t, d, o.Name); len(list) > 0 {
		t.Errorf("the dead wait: %v", list)
	}
	ended := make(chan error)
	go func() { ended <- o.wait(Wait{}) }()
	wantWaiting(t, d, o.Name, 1)
	noError(t, o.free())
	noError(t, <-ended)
}
