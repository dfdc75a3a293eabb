package shm

import (
	"fmt"
	"testing"
)

// eachStep calls f with every step at which a process can be killed that does something,
// until f reports that it has come through: there were no more.
func eachStep(t *testing.T, least int, f func(t *testing.T, d *Dir, kill int) (through bool)) {
	d := testDir(t)
	for kill := 1; ; kill++ {
		through := false
		t.Run(fmt.Sprint(kill), func(t *testing.T) { through = f(t, d, kill) })
		if t.Failed() {
			return
		}
		if through {
			if kill <= least {
				t.Errorf("it went through %d steps, want at least %d", kill-1, least)
			}
			return
		}
	}
}

// through reports whether c said what, and was not killed before.
func (c *contender) through(what string) bool {
	c.t.Helper()
	said := <-c.said // it ends, or says something
	if said != "" && said != what {
		c.t.Fatalf("it said %q, want %q", said, what)
	}
	return said != ""
}

// One that is killed as it takes a free slot leaves it free.
func TestSemKillHolder(t *testing.T) {
	eachStep(t, 5, func(t *testing.T, d *Dir, kill int) bool {
		has := keeper(t, d, 2)
		victim := contend(t, d, 0, "", "now", kill)
		through := victim.through("got")
		victim.end()
		more := keeper(t, d, 0)
		wantNow(t, d, "full")
		has.end()
		more.end()
		wantFree(t, d, 2)
		return through
	})
}

// One that is killed as it queues, waits as the head, or gets the slot, leaves it to the
// one behind.
func TestSemKillHead(t *testing.T) {
	eachStep(t, 10, func(t *testing.T, d *Dir, kill int) bool {
		has := keeper(t, d, 1)
		victim := contend(t, d, 0, "", "wait", kill)
		victim.waits()
		next := follower(t, d)
		has.end()
		through := victim.through("got")
		if through {
			wantNow(t, d, "full")
		}
		victim.end()
		next.want("got")
		next.end()
		wantFree(t, d, 1)
		return through
	})
}

// The same behind the head.
func TestSemKillBehind(t *testing.T) {
	eachStep(t, 10, func(t *testing.T, d *Dir, kill int) bool {
		has := keeper(t, d, 1)
		head := follower(t, d)
		victim := contend(t, d, 0, "", "wait", kill)
		victim.waits()
		next := follower(t, d)
		has.end()
		head.want("got")
		head.end()
		through := victim.through("got")
		victim.end()
		next.want("got")
		next.end()
		wantFree(t, d, 1)
		return through
	})
}

// After one that was killed as it made more slots there are as many as before, or more:
// who waits has one then.
func TestSemKillMore(t *testing.T) {
	eachStep(t, 4, func(t *testing.T, d *Dir, kill int) bool {
		has := keeper(t, d, 1)
		next := waiterOf(t, d, "wait") // of a bell that is not rung nobody knows
		victim := contend(t, d, 2, "resize", "now", kill)
		through := victim.through("full")
		victim.end()
		contend(t, d, 2, "resize", "now", 0).want("full")
		next.want("got")
		wantNow(t, d, "full")
		has.end()
		next.end()
		wantFree(t, d, 2)
		return through
	})
}

// The same of fewer: none is free before so many have ended.
func TestSemKillFewer(t *testing.T) {
	eachStep(t, 3, func(t *testing.T, d *Dir, kill int) bool {
		first, second := keeper(t, d, 2), keeper(t, d, 2)
		victim := contend(t, d, 1, "resize", "now", kill)
		through := victim.through("full")
		victim.end()
		contend(t, d, 1, "resize", "now", 0).want("full")
		first.end()
		wantNow(t, d, "full")
		second.end()
		wantNow(t, d, "got")
		wantFree(t, d, 1)
		return through
	})
}
