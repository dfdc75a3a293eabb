package shm

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A waitCase is one of all kinds of waits, each for the object of its name. free ends
// it; unwoken does as free, but for the call that wakes.
type waitCase struct {
	name          string
	wait          func(*Dir, Wait) error
	free, unwoken func(*Dir) error
}

var waitCases = []waitCase{
	{
		"event", onEvent(func(e *Event, w Wait) error { return e.Wait(w) }),
		func(d *Dir) error { return onEvent(func(e *Event, _ Wait) error { return e.Set() })(d, Wait{}) },
		func(d *Dir) error {
			return onEvent(func(e *Event, _ Wait) error { e.uint32At(ownOffset).Add(3); return nil })(d, Wait{})
		},
	},
	{
		"semaphore", onSemaphore(func(s *Semaphore, w Wait) error { return s.Acquire(w) }),
		func(d *Dir) error {
			return onSemaphore(func(s *Semaphore, _ Wait) error { return s.Release() })(d, Wait{})
		},
		func(d *Dir) error {
			return onSemaphore(func(s *Semaphore, _ Wait) error { s.uint32At(ownOffset).Add(1); return nil })(d, Wait{})
		},
	},
	{
		"barrier", onBarrier(func(b *Barrier, w Wait) error { _, err := b.Wait(os.Getpid(), w); return err }),
		func(d *Dir) error {
			return onBarrier(func(b *Barrier, _ Wait) error { _, err := b.Wait(os.Getpid(), Wait{}); return err })(d, Wait{})
		},
		func(d *Dir) error {
			return onBarrier(func(b *Barrier, _ Wait) error {
				return b.guarded(func() error { b.uint32At(barrierPassed).Store(b.generation().Load() + 1); return nil })
			})(d, Wait{})
		},
	},
	{
		"c", func(d *Dir, w Wait) error {
			return withCond(d, func(c *Cond) error { return c.Wait(os.Getpid(), w) })
		},
		func(d *Dir) error {
			return withCond(d, func(c *Cond) error { _, err := c.Notify(1); return err })
		},
		func(d *Dir) error {
			return withCond(d, func(c *Cond) error {
				return c.guarded(func() error { c.judge(c.first(Sleeps), granted); return nil })
			})
		},
	},
}

// first returns the first place of one that waits in role.
func (o *Object) first(role Role) int {
	i := 0
	for !o.waits(i, role) {
		i++
	}
	return i
}

func onEvent(f func(*Event, Wait) error) func(*Dir, Wait) error {
	return func(d *Dir, w Wait) error {
		e, err := d.OpenEvent("event")
		if err != nil {
			return err
		}
		defer e.Close()
		return f(e, w)
	}
}

func onSemaphore(f func(*Semaphore, Wait) error) func(*Dir, Wait) error {
	return func(d *Dir, w Wait) error {
		s, err := d.MakeSemaphore("semaphore", 0, false)
		if errors.Is(err, ErrExists) {
			s, err = d.OpenSemaphore("semaphore")
		}
		if err != nil {
			return err
		}
		defer s.Close()
		return f(s, w)
	}
}

func onBarrier(f func(*Barrier, Wait) error) func(*Dir, Wait) error {
	return func(d *Dir, w Wait) error {
		b, err := d.OpenBarrier("barrier", 2)
		if err != nil {
			return err
		}
		defer b.Close()
		return f(b, w)
	}
}

// begin has a wait begin, and returns how it ends once it is listed.
func (c *waitCase) begin(t *testing.T, d *Dir, w Wait) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- c.wait(d, w) }()
	eventually(t, c.name+" is waited for", func() bool {
		o, err := d.Open(c.name, 0)
		if err != nil {
			return false
		}
		defer o.Close()
		list, err := o.Parties()
		return err == nil && len(list) > 0 && list[len(list)-1].Role != Holds
	})
	return ended
}

// eachWait runs f for all kinds of waits.
func eachWait(t *testing.T, f func(t *testing.T, d *Dir, c *waitCase)) {
	for i := range waitCases {
		t.Run(waitCases[i].name, func(t *testing.T) { f(t, condDir(t), &waitCases[i]) })
	}
}

// Who changes a word may be killed before it wakes anybody. The others find the
// change at their next look.
func TestLostWakeUp(t *testing.T) {
	eachWait(t, func(t *testing.T, d *Dir, c *waitCase) {
		ended := c.begin(t, d, Wait{})
		eventually(t, "a thread sleeps", sleeps)
		noError(t, c.unwoken(d))
		begin := time.Now()
		noError(t, <-ended)
		if took := time.Since(begin); took > recheck+patience {
			t.Errorf("ended after %v", took)
		}
	})
}

// sleeps reports whether a thread of this process sleeps at a shared word: the
// runtime's words are private, which makes their operation another.
func sleeps() bool {
	calls, _ := filepath.Glob("/proc/self/task/*/syscall")
	for _, call := range calls {
		text, _ := os.ReadFile(call)
		f := strings.Fields(string(text))
		if len(f) > 2 && f[0] == strconv.Itoa(unix.SYS_FUTEX) && f[2] == fmt.Sprintf("%#x", futexWaitBitset) {
			return true
		}
	}
	return false
}

// test_wait_result: signals that arrive neither end a wait nor make it longer.
func TestSignalsEndNoWait(t *testing.T) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGCONT)
	defer signal.Stop(got)
	var rain sync.WaitGroup
	var stop atomic.Bool
	var drops atomic.Int64
	rain.Go(func() {
		for !stop.Load() {
			signalThreads(t)
			drops.Add(1)
			time.Sleep(time.Millisecond)
		}
	})
	defer rain.Wait()
	defer stop.Store(true)
	eachWait(t, func(t *testing.T, d *Dir, c *waitCase) {
		ended := c.begin(t, d, Wait{})
		eventually(t, "a thread sleeps", sleeps)
		enough := drops.Load() + 20
		eventually(t, "signals", func() bool { return drops.Load() >= enough })
		if len(ended) > 0 {
			t.Errorf("ended by itself: %v", <-ended)
			return
		}
		noError(t, c.free(d))
		noError(t, <-ended)
	})
	eachWait(t, func(t *testing.T, d *Dir, c *waitCase) {
		const limit = 50 * time.Millisecond
		begin := time.Now()
		err := c.wait(d, WaitFor(limit))
		if took := time.Since(begin); !errors.Is(err, ErrTimeout) || took < limit {
			t.Errorf("over after %v: %v", took, err)
		}
	})
}

// signalThreads sends two signals to every thread of this process.
func signalThreads(t *testing.T) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Error(err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		_ = unix.Tgkill(os.Getpid(), tid, unix.SIGUSR1) // an error: it has ended
		_ = unix.Tgkill(os.Getpid(), tid, unix.SIGCONT)
	}
}

// A time that is 0 or negative is for one look, as Python's: it gets what is there,
// and waits for nothing.
func TestNoTimeLooksOnce(t *testing.T) {
	for _, limit := range []time.Duration{0, -time.Hour} {
		eachWait(t, func(t *testing.T, d *Dir, c *waitCase) {
			if err := c.wait(d, WaitFor(limit)); !errors.Is(err, ErrTimeout) {
				t.Errorf("there is nothing: %v", err)
			}
			if c.name == "barrier" || c.name == "c" {
				return // nothing is ever there before the wait
			}
			noError(t, c.free(d))
			noError(t, c.wait(d, WaitFor(limit)))
		})
		d := testDir(t)
		l, err := d.AcquireLock("l", WaitFor(limit))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.AcquireLock("l", WaitFor(limit)); !errors.Is(err, ErrTimeout) {
			t.Errorf("a lock that is held: %v", err)
		}
		noError(t, l.Close())
		waits := (&waitCases[2]).begin(t, d, Wait{})
		noError(t, waitCases[2].wait(d, WaitFor(limit))) // the last party
		noError(t, <-waits)
	}
}

// The sleep's deadline is of CLOCK_MONOTONIC, by which the machine is as old as it
// is up. Read as the wall clock's it would be long past, and no sleep would last;
// one of a few may be cut short by a signal of the runtime's.
func TestSleepIsMonotonic(t *testing.T) {
	const d = 10 * time.Millisecond
	var word atomic.Uint32
	for range 20 {
		begin := time.Now()
		if sleep(&word, 0, d); time.Since(begin) >= d {
			return
		}
	}
	t.Error("no sleep lasts")
}

// Each deadline keeps its reading of the monotonic clock, also a part of a wait.
func TestPartOfWaitIsMonotonic(t *testing.T) {
	for _, w := range []Wait{WaitFor(time.Hour).atMost(recheck), Wait{}.atMost(recheck), WaitFor(1).atMost(recheck)} {
		if w.until.Round(0) == w.until {
			t.Error("a deadline of the wall clock: ", w.until)
		}
	}
}

// Python's check of a bounded semaphore looks, and then adds ("not an absolute
// guarantee"). Of 8 that release it at once, exactly as many succeed as were taken.
func TestBoundedSemaphoreReleasedByMany(t *testing.T) {
	const value, each = 1000, 200
	d := testDir(t)
	s, err := d.MakeSemaphore("s", value, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range value {
		noError(t, s.Acquire(WaitFor(0)))
	}
	var done, refused atomic.Int64
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range 8 {
		own, err := d.OpenSemaphore("s")
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		all.Go(func() {
			<-begin
			for range each {
				switch err := own.Release(); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, ErrReleased):
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	close(begin)
	all.Wait()
	if v, err := s.Value(); err != nil || v != value || done.Load() != value || refused.Load() != 8*each-value {
		t.Errorf("%d are there, %v: %d released, %d refused", v, err, done.Load(), refused.Load())
	}
}
