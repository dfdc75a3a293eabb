package shm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

func init() { helpers["party"] = helpParty }

const barrierParties = 5

// A meeting is what the parties of the barrier's test share. All at a barrier that
// is broken say so before it is reset; each reset begins another epoch.
type meeting struct {
	*Barrier
	came  *Array // at each place: 1 + the generation for which it came last
	knows *Array // at each place: 1 + the epoch in which it saw the barrier broken
	epoch *Value
}

func openMeeting(d *Dir) (m meeting, err error) {
	var errs [4]error
	m.Barrier, errs[0] = d.OpenBarrier("phase", barrierParties)
	m.came, errs[1] = d.OpenArray("came")
	m.knows, errs[2] = d.OpenArray("knows")
	m.epoch, errs[3] = d.OpenValue("epoch")
	return m, errors.Join(errs[:]...)
}

func (m meeting) close() error {
	return errors.Join(m.Barrier.Close(), m.came.Close(), m.knows.Close(), m.epoch.Close())
}

// now returns the generation that fills. It cannot pass before a party comes that
// has not come yet.
func (m meeting) now() (uint32, error) {
	_, _, err := m.State() // settles what who was killed has left
	return m.generation().Load(), err
}

// all reports whether the item of every place is at least n.
func all(a *Array, n uint64) (bool, error) {
	items, err := a.Get(0, a.Len())
	for _, item := range items {
		if item < n {
			return false, err
		}
	}
	return true, err
}

// helpParty comes to the barrier again and again.
func helpParty(args []string) error {
	me, err := newMember(args)
	if err != nil {
		return err
	}
	m, err := openMeeting(me.d)
	if err != nil {
		return err
	}
	return me.until(func() error { return m.comeOnce(me) })
}

func (m meeting) comeOnce(me member) error {
	epoch, err := m.epoch.Get()
	if err != nil {
		return err
	}
	generation, err := m.now()
	if err != nil {
		return err
	}
	if err := m.came.Set(me.place, uint64(generation)+1); err != nil {
		return err
	}
	before, err := m.Wait(os.Getpid(), WaitFor(patience))
	if errors.Is(err, ErrBroken) {
		return m.sitOut(me, epoch)
	}
	if err != nil {
		return err
	}
	if full, err := all(m.came, uint64(generation)+1); err != nil || !full || before >= barrierParties {
		return fmt.Errorf("passed generation %d after %d, full: %v, %v", generation, before, full, err)
	}
	return nil
}

// sitOut says that the barrier is broken, and waits for its reset.
func (m meeting) sitOut(me member, epoch uint64) error {
	if err := m.knows.Set(me.place, epoch+1); err != nil {
		return err
	}
	for {
		now, err := m.epoch.Get()
		stopped, serr := me.stop.IsSet()
		if now != epoch || stopped || err != nil || serr != nil {
			return errors.Join(err, serr)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// Parties are killed, up to three at once, wherever they are. Then either the
// barrier is broken, and everyone gets to know it, or who comes in their places makes
// it full. Nobody hangs, and nobody passes before all have come.
func TestKillBarrier(t *testing.T) {
	again(t, func() int { return killParties(t, 40) })
}

func killParties(t *testing.T, times int) (kills int) {
	d := testDir(t)
	for _, name := range []string{"came", "knows"} {
		a, err := d.MakeArray(name, U64, barrierParties)
		noErrors(t, err)
		noErrors(t, a.Close())
	}
	v, err := d.MakeValue("epoch", U64, 0)
	noErrors(t, err)
	noErrors(t, v.Close())
	m, err := openMeeting(d)
	noErrors(t, err)
	c := newCrowd(t, d, "party", barrierParties)
	defer c.end()
	for c.kills < times && !t.Failed() {
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
		places := rand.Perm(barrierParties)[:1+rand.IntN(3)]
		for _, place := range places {
			c.kill(place)
			noErrors(t, m.knows.Set(place, 0)) // who comes in its place does not yet
		}
		generation, err := m.now()
		noErrors(t, err)
		for _, place := range places {
			c.enter(place)
		}
		m.goesOn(t, generation)
	}
	c.stop(m.Reset)
	noErrors(t, m.close())
	wantEmpty(t, d, "phase", "came", "knows", "epoch", "stop")
	return c.kills
}

// goesOn waits until the generation has passed. If the barrier is broken, it resets
// it once all know of it.
func (m meeting) goesOn(t *testing.T, generation uint32) {
	t.Helper()
	epoch, err := m.epoch.Get()
	noErrors(t, err)
	eventually(t, "the barrier is full, or all know that it is broken", func() bool {
		now, err := m.now()
		noErrors(t, err)
		known, err := all(m.knows, epoch+1)
		noErrors(t, err)
		if known {
			noErrors(t, m.Reset(), m.epoch.Set(epoch+1))
			epoch, generation = epoch+1, now+1
		}
		return !known && now > generation
	})
}

func noErrors(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
