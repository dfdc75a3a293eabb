package shm

import (
	"errors"
	"testing"
	"time"
)

// patience is for what must happen; nothing waits for it to pass.
const patience = 20 * time.Second

// Who has given up waiting does not get the lock later.
func TestLockGivenUp(t *testing.T) {
	d := testDir(t)
	l, err := d.AcquireLock("a", WaitFor(0))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := d.AcquireLock("a", WaitFor(5*time.Millisecond)); !errors.Is(err, ErrTimeout) {
			t.Fatalf("a lock that is held: %v", err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = d.AcquireLock("a", WaitFor(patience)); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if list := partiesOf(t, d, "a"); len(list) != 1 || list[0].Role != Holds {
		t.Errorf("parties: %v", list)
	}
}

// partiesOf returns what another process sees.
func partiesOf(t *testing.T, d *Dir, name string) []Party {
	t.Helper()
	o, err := d.Open(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	list, err := o.Parties()
	if err != nil {
		t.Error(err)
	}
	return list
}

// A lock is inherited, so who holds it may not be who is listed; of a free one
// nobody is the holder, though who was lives on.
func TestLockHolders(t *testing.T) {
	d := testDir(t)
	l, err := d.AcquireLock("a", Wait{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.guarded(func() error { l.dismiss(Holds); return nil }); err != nil {
		t.Fatal(err)
	}
	list := partiesOf(t, d, "a")
	if len(list) != 1 || list[0].Role != Holds || !list[0].Since.IsZero() {
		t.Errorf("parties of a lock whose holder is not listed: %v", list)
	}
	l.Close()
	if l, err = d.AcquireLock("a", Wait{}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if list := partiesOf(t, d, "a"); len(list) > 0 {
		t.Errorf("parties of a free lock: %v", list)
	}
}

// However many wait, there is room for who holds; and of a lock, for who sleeps.
func TestPartiesFull(t *testing.T) {
	d := testDir(t)
	o, err := d.Make("a", KindBarrier, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	noError(t, o.guarded(func() error {
		for _, full := range []Role{Waits, Sleeps} {
			for o.enter(1, full, 0) >= 0 { //nolint:revive // until it is full
			}
			if full == Waits && o.enter(1, Sleeps, 0) < 0 {
				t.Error("no room for who sleeps")
			}
			if o.enter(1, Holds, 0) < 0 {
				t.Errorf("no room for a holder, as %v has all", full)
			}
			for _, role := range []Role{Holds, Waits, Sleeps} {
				o.dismiss(role)
			}
			if o.enter(1, full, 0) < 0 {
				t.Errorf("no room for who %v", full)
			}
			o.dismiss(full)
		}
		return nil
	}))
}
