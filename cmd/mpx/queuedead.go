package main

import (
	"errors"
	"fmt"

	"mpx/internal/ipc"
	"mpx/internal/shm"
)

// deadName is the name of the queue for what has failed too often.
func (g *getter) deadName() string { return g.name + ".dead" }

// bury puts the item, which has failed so many times, into the queue for what has failed
// too often. why says what came to pass the last time. If this process is killed before
// it is out of its own queue, it is in both.
func (g *getter) bury(l *ipc.Lease, times int, why string) error {
	if err := g.putDead(l); err != nil {
		// Not %w: that NAME.dead is closed is not the end of NAME.
		return errors.Join(fmt.Errorf("put an item into %s: %v", g.deadName(), err), l.Undo())
	}
	fmt.Fprintf(g.a.says, "mpx: %s: an item has failed %s and is now in %s: %s\n", g.name, timesText(times), g.deadName(), why)
	return l.Done()
}

func timesText(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// overdue buries an item that has been given out as often as it may already: who had it
// the last time has died with it, or has counted otherwise.
func (g *getter) overdue(l *ipc.Lease) (buried bool, err error) {
	before := l.Deliveries() - 1
	if g.deliveries == 0 || before < g.deliveries {
		return false, nil
	}
	why := "it came back"
	if l.Died() {
		why = "the mpx that had it was killed"
	}
	return true, g.bury(l, before, why)
}

// putDead puts a copy of the item into that queue, which is kept where its own is.
func (g *getter) putDead(l *ipc.Lease) error {
	place := ""
	if !g.q.KeptIn(g.d.Path()) {
		place = g.q.Place()
	}
	dead, err := found(true,
		func() (*ipc.Queue, error) { return ipc.MakeQueue(g.d, g.deadName(), 0, place) },
		func() (*ipc.Queue, error) { return ipc.OpenQueue(g.d, g.deadName()) })
	if err != nil {
		return err
	}
	defer dead.Close()
	i, err := dead.Copy(l)
	if err != nil {
		return err
	}
	_, err = putItems(dead, []ipc.Item{i}, shm.WaitFor(0)) // who waited would keep the item from all others
	if errors.Is(err, shm.ErrTimeout) {
		return errors.New("it is full")
	}
	return err
}

// tooOften is how often an item may fail in a row before there is a hint.
const tooOften = 10

// hint tells once of an item that fails again and again: it is back in front at once,
// and keeps others waiting.
func (g *getter) hint(l *ipc.Lease) {
	if g.failures == 0 || l.Number() != g.failing {
		g.failing, g.failures = l.Number(), 0
	}
	if g.failures++; g.failures < tooOften || g.deliveries > 0 || g.retryDelay != "" || g.hinted {
		return
	}
	g.hinted = true
	fmt.Fprintf(g.a.says, "mpx: %s: an item has failed %d times in a row, and is tried again\n", g.name, g.failures)
	fmt.Fprintf(g.a.says, "mpx: hint: with --max-deliveries N one that has failed N times goes to %s\n", g.deadName())
}
