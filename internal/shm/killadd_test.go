package shm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func init() { helpers["count"] = helpCount }

const counters = 8

// helpCount adds 1 to a value again and again, by add or by compare and swap, and
// then counts at its place that it has. Meanwhile it writes items of an array, both
// halves alike, and looks whether those of others are torn.
func helpCount(args []string) error {
	me, err := newMember(args)
	if err != nil {
		return err
	}
	sum, err1 := me.d.OpenValue("sum")
	done, err2 := me.d.OpenArray("done")
	halves, err3 := me.d.OpenArray("halves")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	return me.until(func() error {
		if err := errors.Join(addOne(sum), increment(done, me.place)); err != nil {
			return err
		}
		x := uint64(rand.Uint32())
		if err := halves.Set(rand.IntN(halves.Len()), x<<32|x); err != nil {
			return err
		}
		items, err := halves.Get(0, halves.Len())
		for i, item := range items {
			if item>>32 != item&0xffffffff {
				return fmt.Errorf("item %d is torn: %x", i, item)
			}
		}
		return err
	})
}

func addOne(v *Value) error {
	one, err := v.Type().ParseDelta("1")
	if err != nil {
		return err
	}
	if rand.IntN(2) == 0 {
		_, err = v.Add(one)
		return err
	}
	for {
		old, err := v.Get()
		if err != nil {
			return err
		}
		if _, swapped, err := v.Swap(old, old+1); swapped || err != nil {
			return err
		}
	}
}

// However many are killed, a sum is exact: an addition has been done or not, each
// once. Items of an array are never half one number and half another.
func TestKillAdd(t *testing.T) {
	again(t, func() int { return killCounters(t, 60) })
}

func killCounters(t *testing.T, times int) (kills int) {
	d := testDir(t)
	sum, err := d.MakeValue("sum", U64, 0)
	noErrors(t, err)
	done, err := d.MakeArray("done", U64, counters)
	noErrors(t, err)
	halves, err := d.MakeArray("halves", U64, 16)
	noErrors(t, err)
	c := newCrowd(t, d, "count", counters)
	defer c.end()
	for c.kills < times && !t.Failed() {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		place := rand.IntN(counters)
		before, err := sum.Get()
		noErrors(t, err)
		c.kill(place)
		c.enter(place)
		eventually(t, "the sum grows", func() bool {
			now, err := sum.Get()
			return err != nil || now > before
		})
	}
	c.stop(func() error { return nil })
	got, err := sum.Get()
	noErrors(t, err)
	wantSum(t, done, got, c.kills)
	noErrors(t, sum.Close(), done.Close(), halves.Close())
	wantEmpty(t, d, "sum", "done", "halves", "stop")
	return c.kills
}
