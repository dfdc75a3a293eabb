package shm

import (
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A sleeper is one that waits for a condition, in the model: the longest first.
type sleeper struct {
	at            int // its place in the table
	woken, killed bool
}

// A condRun is a condition and its model.
type condRun struct {
	*Cond
	asleep []*sleeper
	dead   identity
}

// The steps of a condition, in any order, against the model, a list: a notification
// goes to the n that have slept longest of those that live and have none yet, and to
// nobody who comes later.
func TestCondModel(t *testing.T) {
	d := testDir(t)
	dead := deadIdentity(t, d)
	rapid.Check(t, func(t *rapid.T) {
		o, err := d.OpenOrMake("c", KindLock, nil)
		noError(t, err)
		defer o.Close()
		defer o.Remove() //nolint:errcheck // the next round would notice
		r := &condRun{Cond: &Cond{o, -1}, dead: dead}
		t.Repeat(map[string]func(*rapid.T){
			"wait":       r.sleep,
			"notify":     func(t *rapid.T) { r.notify(t, rapid.IntRange(1, 5).Draw(t, "n")) },
			"notify all": func(t *rapid.T) { r.notify(t, math.MaxInt) },
			"wake":       r.wake,
			"time out":   r.timeOut,
			"die":        r.die,
			"":           r.check,
		})
	})
}

// draw picks one of those who live; nil: there is none.
func (r *condRun) draw(t *rapid.T) *sleeper {
	live := slices.DeleteFunc(slices.Clone(r.asleep), func(s *sleeper) bool { return s.killed })
	if len(live) == 0 {
		return nil
	}
	return rapid.SampledFrom(live).Draw(t, "sleeper")
}

func (r *condRun) forget(s *sleeper) {
	r.asleep = slices.DeleteFunc(r.asleep, func(o *sleeper) bool { return o == s })
}

func (r *condRun) sleep(t *rapid.T) {
	if len(r.asleep) > parties/2 {
		return
	}
	for range rapid.IntRange(1, 4).Draw(t, "n") {
		at, err := r.queue(os.Getpid(), Wait{})
		noError(t, err)
		r.asleep = append(r.asleep, &sleeper{at: at})
	}
}

func (r *condRun) notify(t *rapid.T, n int) {
	r.asleep = slices.DeleteFunc(r.asleep, func(s *sleeper) bool { return s.killed })
	want := 0
	for _, s := range r.asleep {
		if want < n && !s.woken {
			s.woken, want = true, want+1
		}
	}
	if got, err := r.Notify(n); err != nil || got != want {
		t.Fatalf("%d were woken, %v; want %d", got, err, want)
	}
}

// wake has one go on that has been notified.
func (r *condRun) wake(t *rapid.T) {
	if s := r.draw(t); s != nil && s.woken {
		r.forget(s)
		noError(t, r.outcome(s.at, Wait{}, nil))
	}
}

// timeOut has one go on whose time is over: it has been notified just in time, or is
// not there for the next notification.
func (r *condRun) timeOut(t *rapid.T) {
	s := r.draw(t)
	if s == nil {
		return
	}
	r.forget(s)
	if err := r.outcome(s.at, Wait{}, ErrTimeout); s.woken && err != nil || !s.woken && !errors.Is(err, ErrTimeout) {
		t.Fatalf("notified %v: %v", s.woken, err)
	}
}

// die kills one, notified or not; what it was told is lost with it.
func (r *condRun) die(t *rapid.T) {
	if s := r.draw(t); s != nil {
		s.killed = true
		r.becomes(s.at, r.dead)
	}
}

// check looks at what those who live see.
func (r *condRun) check(t *rapid.T) {
	for i, s := range r.asleep {
		if got := r.ticketAt(s.at).verdict() == granted; !s.killed && got != s.woken {
			t.Fatalf("sleeper %d is woken: %v, want %v", i, got, s.woken)
		}
	}
}
