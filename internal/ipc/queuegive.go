package ipc

import (
	"errors"
	"io"

	"mpx/internal/shm"
)

// Lease gives out the first item, to this process, until it is done, taken or
// returned; if this process dies first, it is returned. io.EOF: the queue is closed,
// and nothing is left of it, not on lease either. shm.ErrTimeout: there was none in
// time.
func (q *Queue) Lease(w shm.Wait) (*Lease, error) {
	for {
		var l *Lease
		var d *Damage
		err := q.change(w, func(c *shm.Change) (err error) {
			if l, err = q.lease(c); errors.Is(err, errNoRecord) {
				d, err = q.heal(c)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if q.tell(d); d != nil {
			continue
		}
		if l != nil {
			ok, err := l.open()
			if ok || err != nil {
				return l, err
			}
			continue
		}
		if err := q.awaitItem(w); err != nil {
			return nil, err
		}
	}
}

// AwaitItem waits until there is an item, or the end. It takes nothing.
func (q *Queue) AwaitItem(w shm.Wait) error {
	for {
		if err := q.awaitItem(w); err != nil {
			return err
		}
		var there bool
		err := q.change(w, func(c *shm.Change) error {
			q.look(c)
			s := stateOf(&c.Words)
			at, _ := returned(c, false)
			there = at >= 0 || c.Words[wordPut] > c.Words[wordTaken] || s.Closed && s.Leased == 0 && s.Waiting == 0
			return nil
		})
		if err != nil || there {
			return err
		}
	}
}

// worthALook reports whether there may be an item, or the end.
func (q *Queue) worthALook() bool {
	t := q.t
	leased := t.Word(wordLeased)
	delayed := t.Word(wordDelayed)
	return t.Word(wordTaken) != t.Word(wordPut) || t.Word(wordReturned) > delayed ||
		delayed > 0 && isDue(t.Word(wordDue)) ||
		leased > 0 && lookDue(t.Word(wordLooked)) ||
		leased == 0 && delayed == 0 && t.Word(wordClosed) != 0
}

// lease is Lease as a change. nil: there is no item now.
func (q *Queue) lease(c *shm.Change) (*Lease, error) {
	if q.look(c) {
		return nil, nil // a change sets one row: again
	}
	s := stateOf(&c.Words)
	switch {
	case s.Waiting == 0 && s.Closed && s.Leased == 0:
		return nil, io.EOF
	case s.Waiting == 0:
		return nil, nil
	}
	l := &Lease{q: q}
	l.row, l.Row = returned(c, false)
	next := free(c)
	switch {
	case l.row >= 0:
	case c.Words[wordPut] == c.Words[wordTaken]:
		return nil, nil // what there is has to wait for its time
	case next < 0 && s.Waiting-int(c.Words[wordPut]-c.Words[wordTaken]) == 0:
		return nil, ErrLeases
	case next < 0: // no row for another: one is early
		l.row, l.Row = returned(c, true)
	default:
		var err error
		l.row = next
		if l.Row, l.data, err = q.takeOff(c); err != nil {
			return nil, err
		}
		l.hold(c)
		return l, nil
	}
	takeBack(c, l.row, l.Row)
	l.died = l.Row[5] != 0
	l.hold(c)
	return l, nil
}

// nextIn leases the first item in row, which the change makes free. nil: it takes more
// than that, or something else first.
func (q *Queue) nextIn(c *shm.Change, row int) *Lease {
	w := &c.Words
	if w[wordPut] == w[wordTaken] || w[wordReturned] > 0 || w[wordLeased] > 0 && lookDue(w[wordLooked]) {
		return nil
	}
	l := &Lease{q: q, row: row}
	var err error
	if l.Row, l.data, err = q.takeOff(c); err != nil {
		return nil // the change stands; the next to lease finds the same
	}
	l.hold(c)
	return l
}
