package shm

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func openBarrier(t *testing.T, d *Dir, n int) *Barrier {
	t.Helper()
	b, err := d.OpenBarrier("phase", n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// No party goes on before all have come, in any generation, and each gets another
// number.
func TestBarrierPhases(t *testing.T) {
	const n, rounds = 5, 60
	d := testDir(t)
	var came atomic.Int64
	var all sync.WaitGroup
	for range n {
		b := openBarrier(t, d, n)
		all.Go(func() {
			for round := range rounds {
				came.Add(1)
				before, err := b.Wait(os.Getpid(), WaitFor(20*time.Second))
				if err != nil || before < 0 || before >= n {
					t.Errorf("round %d: %d, %v", round, before, err)
					return
				}
				if got := came.Load(); got < int64(n*(round+1)) {
					t.Errorf("round %d: went on after %d", round, got)
				}
			}
		})
	}
	all.Wait()
	if arrived, broken, err := openBarrier(t, d, 0).State(); arrived != 0 || broken || err != nil {
		t.Errorf("in the end: %d wait, broken %v, %v", arrived, broken, err)
	}
}

// arrived waits until so many wait at the barrier.
func arrived(t *testing.T, b *Barrier, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d parties", want), func() bool {
		n, _, err := b.State()
		return err == nil && n == want
	})
}

func TestBarrierTimeoutAndReset(t *testing.T) {
	d := testDir(t)
	a, b, c := openBarrier(t, d, 3), openBarrier(t, d, 3), openBarrier(t, d, 3)
	waits := make(chan error)
	go func() { _, err := a.Wait(os.Getpid(), Wait{}); waits <- err }()
	arrived(t, c, 1)
	if _, err := b.Wait(os.Getpid(), WaitFor(10*time.Millisecond)); !errors.Is(err, ErrTimeout) {
		t.Errorf("who has no more time: %v", err)
	}
	if err := <-waits; !errors.Is(err, ErrBroken) {
		t.Errorf("the other: %v", err)
	}
	if _, err := c.Wait(os.Getpid(), Wait{}); !errors.Is(err, ErrBroken) {
		t.Errorf("who comes later: %v", err)
	}
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	go func() { _, err := a.Wait(os.Getpid(), Wait{}); waits <- err }()
	arrived(t, c, 1)
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := <-waits; !errors.Is(err, ErrBroken) {
		t.Errorf("who waited at a reset: %v", err)
	}
	if n, broken, _ := c.State(); n != 0 || broken {
		t.Errorf("after it: %d wait, broken %v", n, broken)
	}
	var size *SizeError
	if _, err := d.OpenBarrier("phase", 4); !errors.As(err, &size) || size.Have != 3 {
		t.Errorf("for another number: %v", err)
	}
}

// helpBarrier waits at the barrier phase of the directory.
func helpBarrier(args []string) error {
	d, err := OpenDir(args[0])
	if err != nil {
		return err
	}
	b, err := d.OpenBarrier("phase", 0)
	if err != nil {
		return err
	}
	_, err = b.Wait(os.Getpid(), Wait{})
	return err
}

// A party that is killed breaks the barrier for those who wait.
func TestBarrierKill(t *testing.T) {
	d := testDir(t)
	for round := range 5 {
		b := openBarrier(t, d, 3)
		waits := make(chan error)
		go func() { _, err := b.Wait(os.Getpid(), Wait{}); waits <- err }()
		h := helper(t, os.Stderr, "barrier", d.Path())
		if err := h.Start(); err != nil {
			t.Fatal(err)
		}
		arrived(t, b, 2)
		_ = h.Process.Kill()
		_ = h.Wait()
		if err := <-waits; !errors.Is(err, ErrBroken) {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := b.Reset(); err != nil {
			t.Fatal(err)
		}
	}
}

// Parties that sleep, and each of the ways in which their wait ends: all come to the
// same, and each has had a number of its own.
func TestBarrierOutcomes(t *testing.T) {
	dead := deadIdentity(t, testDir(t))
	for _, end := range []struct {
		name string
		n    int
		act  func(*Barrier) error
		want error
	}{
		{"all come", 5, func(b *Barrier) error { _, err := b.Wait(os.Getpid(), WaitFor(0)); return err }, nil},
		{"one gives up", 6, func(b *Barrier) error {
			if _, err := b.Wait(os.Getpid(), WaitFor(0)); !errors.Is(err, ErrTimeout) {
				return fmt.Errorf("gave up: %w", err)
			}
			return nil
		}, ErrBroken},
		{"reset", 6, (*Barrier).Reset, ErrBroken},
		{"one dies", 6, func(b *Barrier) error {
			return b.guarded(func() error { b.enterAs(dead, Waits, uint64(newTicket(0))); return nil })
		}, ErrBroken},
	} {
		t.Run(end.name, func(t *testing.T) {
			b := openBarrier(t, testDir(t), end.n)
			var numbers [4]atomic.Int32
			var all sync.WaitGroup
			for i := range numbers {
				all.Go(func() {
					before, err := b.Wait(os.Getpid(), Wait{})
					numbers[before].Add(1)
					if !errors.Is(err, end.want) || end.want == nil && err != nil {
						t.Errorf("number %d: %v, want %v", before, err, end.want)
					}
				})
				arrived(t, b, i+1)
			}
			noError(t, end.act(b))
			all.Wait()
			for i := range numbers {
				if n := numbers[i].Load(); n != 1 {
					t.Errorf("%d had the number %d", n, i)
				}
			}
		})
	}
}

// Who dies after a party has looked for the dead, and before it enters, is not
// forgotten: its place is not taken.
func TestBarrierKillUnseen(t *testing.T) {
	d := testDir(t)
	b := openBarrier(t, d, 3)
	h := helper(t, os.Stderr, "barrier", d.Path())
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	arrived(t, b, 1)
	err := b.guarded(func() error {
		noError(t, b.settle())
		_ = h.Process.Kill()
		_ = h.Wait()
		b.enter(os.Getpid(), Waits, uint64(newTicket(uint64(b.generation().Load()))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, broken, err := b.State(); n != 0 || !broken || err != nil {
		t.Errorf("%d wait, broken %v, %v", n, broken, err)
	}
}
