package report

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"mpx/internal/task"
)

// Merging loses no attempt and no failure: each stays in a bar of its slot
// that is no longer than the resolution, or is a bar itself.
func TestTimelineMergeProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var ran []task.Result
		free := map[int]time.Duration{}
		for range rapid.IntRange(1, 200).Draw(rt, "n") {
			slot := rapid.IntRange(1, 3).Draw(rt, "slot")
			from := free[slot] + time.Duration(rapid.IntRange(0, 50).Draw(rt, "gap"))
			res := task.Result{Slot: slot, Worker: 1 + len(ran)/20, Start: pageStart.Add(from), Elapsed: time.Duration(rapid.IntRange(0, 50).Draw(rt, "elapsed"))}
			res.Status = rapid.SampledFrom([]task.Status{task.OK, task.Failed, task.Lost, task.TimedOut, task.Cancelled}).Draw(rt, "status")
			res.Again = res.Status == task.Failed && rapid.Bool().Draw(rt, "again")
			free[slot] = from + res.Elapsed
			ran = append(ran, res)
		}
		var tl timeline
		all := rapid.Permutation(ran).Draw(rt, "ended")
		for i := range all {
			tl.add(&all[i], func(*task.Result) string { return "" })
		}
		res := time.Duration(rapid.IntRange(0, 500).Draw(rt, "res"))
		tl.merge(res / 2) // in two steps, as in a run
		tl.merge(res)
		checkMerged(rt, &tl, all, res)
	})
}

func checkMerged(t *rapid.T, tl *timeline, all []task.Result, res time.Duration) {
	var want, got [outcomes]int
	for i := range all {
		want[outcomeOf(&all[i])]++
		from := all[i].Start.Sub(tl.base)
		found := false
		for _, iv := range tl.slots[all[i].Slot-1] {
			found = found || iv.from <= from && from+all[i].Elapsed <= iv.to && iv.count[outcomeOf(&all[i])] > 0
		}
		if !found {
			t.Fatalf("attempt %d is in no bar", i)
		}
	}
	n := 0
	for _, s := range tl.slots {
		for i := range s {
			n++
			for o, c := range s[i].count {
				got[o] += c
			}
			if s[i].total() > 1 && s[i].to-s[i].from > res {
				t.Fatalf("merged to %v at a resolution of %v", s[i].to-s[i].from, res)
			}
		}
	}
	if got != want || n != tl.n {
		t.Fatalf("%v of %v in %d bars, said to be %d", got, want, n, tl.n)
	}
}

// A long run stays in its bound, and is drawn no coarser than need be.
func TestTimelineBound(t *testing.T) {
	var tl timeline
	results := sampleRun{tasks: 100_000, slots: 16, perWorker: 1000, mean: 40 * time.Millisecond, bad: .01}.results()
	for i := range results {
		tl.add(&results[i], func(*task.Result) string { return "tip" })
		if tl.n > maxIntervals {
			t.Fatalf("%d bars after %d attempts", tl.n, i+1)
		}
		if i+1 == maxIntervals && (tl.res != 0 || tl.n != maxIntervals) {
			t.Fatalf("merged at %v with room left", tl.res)
		}
		if i+1 == maxTips && tl.slots[0][0].tip != "tip" || i == maxTips && tl.slots[0][0].tip != "" {
			t.Fatalf("tip %q of %d attempts", tl.slots[0][0].tip, i+1)
		}
	}
	if tl.n < maxIntervals/4 {
		t.Errorf("only %d bars are left", tl.n)
	}
	if n := tl.workerChanges(); n < 80 || n > 100 {
		t.Errorf("%d changes of workers", n)
	}
}

// The parts of a bar make up the whole, and no outcome vanishes.
func TestIntervalShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var iv interval
		for o := range iv.count {
			iv.count[o] = rapid.SampledFrom([]int{0, 0, 1, 1000}).Draw(t, "count")
		}
		at := 0.0
		for o := range outcomes {
			if iv.count[o] == 0 {
				continue
			}
			top, h := iv.share(o, 10)
			if top < at-1e-9 || top > at+1e-9 || h < 1 {
				t.Fatalf("outcome %d from %v, %v high; the one before ends at %v", o, top, h, at)
			}
			at = top + h
		}
		if iv.total() > 0 && (at < 10-1e-9 || at > 10+1e-9) {
			t.Fatalf("the parts are %v of 10 high", at)
		}
	})
}
