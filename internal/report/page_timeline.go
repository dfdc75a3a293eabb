package report

import (
	"cmp"
	"slices"
	"time"

	"mpx/internal/task"
)

// Bounds of a timeline, in intervals of all slots together.
const (
	maxIntervals = 20_000 // more are merged
	maxTips      = 2_000  // more are not explained one by one
)

// outcome is how an attempt is drawn.
type outcome uint8

// The outcomes, in the order of the legend.
const (
	ranOK outcome = iota
	ranFailed
	ranAgain // anything that another attempt followed
	ranTimeout
	ranLost
	ranCancelled
	outcomes
)

// The classes of outcomes in the page's style sheet, and their words.
var (
	outcomeClass = [outcomes]string{"ok", "failed", "again", "timeout", "lost", "cancelled"}
	outcomeWord  = [outcomes]string{"ok", "failed", "failed, tried again", "timed out", "lost", "cancelled"}
)

func outcomeOf(res *task.Result) outcome {
	if res.Again {
		return ranAgain
	}
	switch res.Status {
	case task.OK:
		return ranOK
	case task.TimedOut:
		return ranTimeout
	case task.Lost:
		return ranLost
	case task.Cancelled, task.Skipped:
		return ranCancelled
	}
	return ranFailed
}

// An interval is an attempt, or several one after another in one slot.
type interval struct {
	from, to    time.Duration // since timeline.base
	first, last int           // the workers that ran the first and the last
	changes     int           // how often the worker changed between
	count       [outcomes]int
	tip         string // what there is to say about it
}

// A timeline says when each slot was busy, exactly as long as there are few
// attempts. Then the resolution is halved until few intervals are left: those
// that follow each other within it in a slot become one. It works whatever the
// order in which attempts are added.
type timeline struct {
	base     time.Time    // the first attempt's start
	slots    [][]interval // by slot, from slot 1; sorted only when merged
	n        int          // intervals in all slots
	res      time.Duration
	from, to time.Duration // the earliest start, the latest end
	noTips   bool
}

// add takes an attempt that ran; tip is asked what there is to say about it
// while that is shown.
func (t *timeline) add(res *task.Result, tip func(*task.Result) string) {
	if t.base.IsZero() {
		t.base, t.to = res.Start, res.Elapsed
	}
	from := res.Start.Sub(t.base)
	iv := interval{from: from, to: from + res.Elapsed, first: res.Worker, last: res.Worker}
	iv.count[outcomeOf(res)] = 1
	t.from, t.to = min(t.from, iv.from), max(t.to, iv.to)
	if !t.noTips {
		iv.tip = tip(res)
	}
	for len(t.slots) < res.Slot {
		t.slots = append(t.slots, nil)
	}
	t.slots[res.Slot-1] = append(t.slots[res.Slot-1], iv)
	t.n++
	t.bound()
}

// bound keeps t small.
func (t *timeline) bound() {
	if t.n > maxTips && !t.noTips {
		t.noTips = true
		for _, s := range t.slots {
			for i := range s {
				s[i].tip = ""
			}
		}
	}
	// With very many slots each must keep a few, or every attempt merged anew.
	most := max(maxIntervals, 4*len(t.slots))
	if t.n <= most {
		return
	}
	for t.merge(t.res); t.n > most/4*3; t.merge(t.res) {
		t.res = max(2*t.res, time.Microsecond)
	}
}

// merge joins the intervals of each slot that are together no longer than res.
func (t *timeline) merge(res time.Duration) {
	t.n = 0
	for i, s := range t.slots {
		slices.SortFunc(s, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
		kept := s[:min(1, len(s))]
		for _, iv := range s[len(kept):] {
			if last := &kept[len(kept)-1]; max(last.to, iv.to)-last.from <= res {
				last.join(&iv)
			} else {
				kept = append(kept, iv)
			}
		}
		clear(s[len(kept):])
		t.slots[i] = kept
		t.n += len(kept)
	}
}

// join adds b, which began after a, to a.
func (a *interval) join(b *interval) {
	if a.last != b.first {
		a.changes++
	}
	a.changes += b.changes
	a.last = b.last
	a.to = max(a.to, b.to)
	for i, n := range b.count {
		a.count[i] += n
	}
}

// wall is the time from the first start to the last end.
func (t *timeline) wall() time.Duration { return t.to - t.from }

// used is how many slots ran something.
func (t *timeline) used() (n int) {
	for _, s := range t.slots {
		if len(s) > 0 {
			n++
		}
	}
	return n
}
