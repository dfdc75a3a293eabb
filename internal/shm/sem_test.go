package shm

import (
	"errors"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// testSem returns the sem "s", one of whose slots is this process's, and which is
// removed in the end.
func testSem(t *testing.T, d *Dir, slots int) *Sem {
	t.Helper()
	s, err := d.AcquireSem("s", slots, false, WaitFor(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return s
}

func wantCounts(t *testing.T, s *Sem, slots, free, debt int) {
	t.Helper()
	gotSlots, gotFree, gotDebt, err := s.Counts()
	if err != nil || gotSlots != slots || gotFree != free || gotDebt != debt {
		t.Errorf("%d slots, %d free, %d debt, %v; want %d, %d, %d", gotSlots, gotFree, gotDebt, err, slots, free, debt)
	}
}

// A set that its maker was killed before filling, or before noting its id, is the
// sem's; one that is in use is another's, whatever its key.
func TestSemHalfMade(t *testing.T) {
	for _, test := range []struct {
		name        string
		note, other bool
	}{{"unfilled", true, false}, {"not noted", false, false}, {"another's", false, true}} {
		t.Run(test.name, func(t *testing.T) {
			d := testDir(t)
			key := newSemKey()
			id, err := semGet(int32(key), semNumber, unix.IPC_CREAT|unix.IPC_EXCL|0o600)
			if err != nil {
				t.Fatal(err)
			}
			if test.other {
				defer semRemove(id) //nolint:errcheck // a set of the test's
				if err := semAll(id, semSetAll, &semCounts{7, 0, 7}); err != nil {
					t.Fatal(err)
				}
			}
			o, err := d.Make("s", KindSem, 0, func(o *Object) {
				o.uint32At(ownOffset).Store(key)
				o.uint32At(ownOffset + 8).Store(3)
				if test.note {
					o.uint32At(ownOffset + 4).Store(uint32(id + 1))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			o.Close()
			s := testSem(t, d, 3)
			if taken := s.id() == id; taken == test.other {
				t.Errorf("the set has been taken over: %v", taken)
			}
			wantCounts(t, s, 3, 2, 0)
		})
	}
}

func TestSemResize(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 2)
	for _, step := range []struct{ slots, free, debt int }{
		{5, 4, 0}, {3, 2, 0}, {1, 0, 0}, {4, 3, 0},
	} {
		if err := s.resize(step.slots); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, s, step.slots, step.free, step.debt)
	}
	for range 3 { // all four are this process's
		if err := s.acquire(WaitFor(0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ slots, free, debt int }{
		{1, 0, 3}, {2, 0, 2}, {1, 0, 3}, {5, 1, 0}, {MaxSlots, MaxSlots - 4, 0}, {4, 0, 0},
	} {
		if err := s.resize(step.slots); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, s, step.slots, step.free, step.debt)
	}
	var other *SlotsError
	if _, err := d.AcquireSem("s", 9, false, WaitFor(0)); !errors.As(err, &other) || other.Have != 4 {
		t.Errorf("another number of slots: %v", err)
	}
	if _, err := d.AcquireSem("s", 4, false, WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Errorf("no slot free: %v", err)
	}
}

// A set that somebody removed is made anew, less what is held; what the strays held
// comes back when they are gone.
func TestSemAnew(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 3)
	if err := semRemove(s.id()); err != nil {
		t.Fatal(err)
	}
	if err := s.acquire(WaitFor(0)); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, s, 3, 1, 0) // this process has a slot of each
	err := s.guarded(func() error {
		// As if the holder of the first had been another, which has ended.
		for i := range parties {
			if s.role(i) == Holds && s.uint64At(partyOffset+i*partySize+24).Load() != uint64(s.id()) {
				s.uint64At(partyOffset + i*partySize + 8).Store(1)
			}
		}
		return s.reapStrays()
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, s, 3, 2, 0)
}

// holderDied has the holders of sets other than the present one have ended: they
// become a process that has.
func holderDied(t *testing.T, s *Sem, except int) {
	t.Helper()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for i := range parties {
		if s.role(i) == Holds && int(s.own(i).Load()) != except {
			s.uint32At(partyOffset + i*partySize + 4).Store(uint32(dead.Process.Pid))
		}
	}
}

// Who had ended before the set was made anew has nothing to come back.
func TestSemAnewAfterDeath(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 3)
	if err := s.acquire(WaitFor(0)); err != nil {
		t.Fatal(err)
	}
	err := s.guarded(func() error {
		holderDied(t, s, -1)
		s.enter(unix.Getpid(), Holds, uint64(s.id())) // in the place of one of the two
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := semRemove(s.id()); err != nil {
		t.Fatal(err)
	}
	if err := s.acquire(WaitFor(0)); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, s, 3, 1, 0)
}

// A stray that ends after another has looked for such, and before that enters, is
// not forgotten: its place is not taken.
func TestSemStrayUnseen(t *testing.T) {
	d := testDir(t)
	s := testSem(t, d, 3)
	if err := semRemove(s.id()); err != nil {
		t.Fatal(err)
	}
	if err := s.acquire(WaitFor(0)); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, s, 3, 1, 0)
	err := s.guarded(func() error {
		holderDied(t, s, s.id())
		s.enter(unix.Getpid(), Holds, uint64(s.id()))
		return s.reapStrays()
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, s, 3, 2, 0)
}
