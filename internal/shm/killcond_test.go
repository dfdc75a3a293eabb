package shm

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() { helpers["trade"] = helpTrade }

const (
	producers = 2 // the first places
	traders   = 6
	shelf     = 4 // so many may be produced that are not consumed
)

// A market is what producers and consumers share, under the lock "c": how much has
// been produced and how much consumed, in one word, and how often each place has
// done so, which it counts afterwards.
type market struct {
	stock *Value // produced << 32 | consumed
	done  *Array
}

func openMarket(d *Dir) (m market, err error) {
	var errs [2]error
	m.stock, errs[0] = d.OpenValue("stock")
	m.done, errs[1] = d.OpenArray("done")
	return m, errors.Join(errs[:]...)
}

func (m market) close() error { return errors.Join(m.stock.Close(), m.done.Close()) }

func (m market) counts() (produced, consumed uint64, err error) {
	n, err := m.stock.Get()
	return n >> 32, n & math.MaxUint32, err
}

// change adds to the stock. The caller holds the lock: nobody else changes it.
func (m market) change(place int, produced, consumed uint64) error {
	old, err := m.stock.Get()
	for i := 0; i < 100 && err == nil; i++ {
		var now uint64
		if now, err = m.stock.Get(); now != old {
			return fmt.Errorf("another has changed the stock: %x, %x", old, now)
		}
	}
	if err := errors.Join(err, m.stock.Set(old+produced<<32+consumed)); err != nil {
		return err
	}
	return increment(m.done, place)
}

// increment adds 1 to an item that nobody else changes.
func increment(a *Array, i int) error {
	items, err := a.Get(i, i+1)
	if err != nil {
		return err
	}
	return a.Set(i, items[0]+1)
}

// A trader holds the lock by fd while it changes something, and knows its condition.
type trader struct {
	member
	market
	fd   uintptr
	cond *Cond
}

// helpTrade produces or consumes, as its place says. It waits without a limit.
func helpTrade(args []string) error {
	me, err := newMember(args)
	if err != nil {
		return err
	}
	m, err := openMarket(me.d)
	if err != nil {
		return err
	}
	fd, err := unix.Open(me.d.file("c"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	t := trader{member: me, market: m, fd: uintptr(fd)}
	if err := t.locked(func() (err error) { t.cond, err = me.d.OpenCond("c"); return err }); err != nil {
		return err
	}
	if me.place >= producers {
		return me.until(func() error { return t.locked(t.consume) })
	}
	return me.until(func() error { return t.locked(t.produce) })
}

func (t *trader) locked(f func() error) error {
	if err := setLock(t.fd, lockByte, unix.F_WRLCK, true); err != nil {
		return err
	}
	return errors.Join(f(), setLock(t.fd, lockByte, unix.F_UNLCK, true))
}

func (t *trader) produce() error {
	produced, consumed, err := t.counts()
	if err != nil || produced-consumed >= shelf {
		return err
	}
	if err := t.change(t.place, 1, 0); err != nil {
		return err
	}
	_, err = t.cond.Notify(1)
	return err
}

func (t *trader) consume() error {
	for {
		produced, consumed, err := t.counts()
		if err != nil {
			return err
		}
		if produced > consumed {
			return t.change(t.place, 0, 1)
		}
		stopped, err := t.stop.IsSet()
		if err != nil || stopped {
			return err
		}
		if err := t.cond.Wait(os.Getpid(), Wait{}); err != nil {
			return err
		}
	}
}

// Producers and consumers are killed as they wait, hold the lock, notify. A dead one
// may take its notification along, or not have given it: who reaps it notifies all.
// Beyond that no notification is lost, no two hold the lock, and nobody hangs.
func TestKillCond(t *testing.T) {
	again(t, func() int { return killTraders(t, 40) })
}

func killTraders(t *testing.T, times int) (kills int) {
	d := testDir(t)
	l, err := d.AcquireLock("c", Wait{})
	noErrors(t, err)
	noErrors(t, l.Close())
	v, err := d.MakeValue("stock", U64, 0)
	noErrors(t, err)
	noErrors(t, v.Close())
	a, err := d.MakeArray("done", U64, traders)
	noErrors(t, err)
	noErrors(t, a.Close())
	m, err := openMarket(d)
	noErrors(t, err)
	c := newCrowd(t, d, "trade", traders)
	defer c.end()
	for c.kills < times && !t.Failed() {
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		for _, place := range rand.Perm(traders)[:1+rand.IntN(2)] {
			c.kill(place)
			c.enter(place)
		}
		noErrors(t, tellAll(d))
		m.goesOn(t)
	}
	c.stop(func() error { return tellAll(d) })
	produced, consumed, err := m.counts()
	noErrors(t, err)
	wantSum(t, m.done, produced+consumed, c.kills)
	if consumed > produced || produced-consumed > shelf {
		t.Errorf("%d produced, %d consumed", produced, consumed)
	}
	noErrors(t, m.close())
	wantEmpty(t, d, "c", "stock", "done", "stop")
	return c.kills
}

// tellAll notifies all who wait, as mpx lock c mpx cond notify-all c.
func tellAll(d *Dir) error {
	l, err := d.AcquireLock("c", WaitFor(patience))
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := d.OpenCond("c")
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Notify(math.MaxInt)
	return err
}

// goesOn waits until something more has been produced and consumed.
func (m market) goesOn(t *testing.T) {
	t.Helper()
	p, c, err := m.counts()
	noErrors(t, err)
	eventually(t, "production and consumption go on", func() bool {
		produced, consumed, err := m.counts()
		return err != nil || produced > p && consumed > c
	})
}

// wantSum checks a count of what the places have done, and counted afterwards: it is
// exact, but for those that were killed in between.
func wantSum(t *testing.T, done *Array, got uint64, inFlight int) {
	t.Helper()
	items, err := done.Get(0, done.Len())
	noErrors(t, err)
	sum := uint64(0)
	for _, n := range items {
		sum += n
	}
	if got < sum || got > sum+uint64(inFlight) {
		t.Errorf("it is %d; %d have been counted, and %d may not have been", got, sum, inFlight)
	}
}
