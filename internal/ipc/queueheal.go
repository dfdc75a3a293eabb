package ipc

import (
	"errors"
	"fmt"
	"os"

	"mpx/internal/shm"
)

// A Damage is what of a queue has been found to be damaged: by another program, or by the
// disk. It is out of the queue, and counts as done.
type Damage struct {
	First, Items uint64 // the number of the first item that is lost, and how many are; 0: none is
	Aside        string // the file that has what was there; "": there was nothing, or
	Err          error  // it could not be set aside
	Acks         bool   // what was written down of items is damaged, and some may come again
}

func (d *Damage) String() string {
	if d.Acks {
		return "what was written down of items that had been had is damaged: some may come again"
	}
	text := fmt.Sprintf("its files are damaged: item %d is lost", d.First)
	if d.Items > 1 {
		text = fmt.Sprintf("its files are damaged: %d items are lost, %d to %d", d.Items, d.First, d.First+d.Items-1)
	}
	switch {
	case d.Err != nil:
		text += fmt.Sprintf("; what was there could not be set aside: %v", d.Err)
	case d.Aside != "":
		text += "; what was there is in " + d.Aside
	}
	return text
}

// Tell has f be told of all that is found to be damaged, once each.
func (q *Queue) Tell(f func(*Damage)) {
	q.told = f
	for _, d := range q.untold {
		f(d)
	}
	q.untold = nil
}

func (q *Queue) tell(d *Damage) {
	switch {
	case d == nil || d.Items == 0 && !d.Acks:
	case q.told == nil:
		q.untold = append(q.untold, d)
	default:
		q.told(d)
	}
}

// maxAside is how many files may be set aside in a queue's directory. They go with it.
const maxAside = 100

// errAside: they are that many.
var errAside = fmt.Errorf("there are %d such files", maxAside)

// heal has the queue go on with the next record that there is, as none is where one should
// be. What stands between is set aside.
func (q *Queue) heal(c *shm.Change) (*Damage, error) {
	w := &c.Words
	at, number, err := q.logs.next(w[wordHead], w[wordTaken], w[wordTail], w[wordPut])
	if err != nil {
		return nil, err
	}
	d := &Damage{First: w[wordTaken], Items: number - w[wordTaken]}
	if d.Items == 0 && at == w[wordHead] {
		return nil, errNoRecord // it has just been put there by another program
	}
	if d.Items > 0 {
		if err := q.ack(c, ackLost, d.First, d.Items); err != nil {
			return nil, err
		}
		d.Aside, d.Err = q.logs.setAside(w[wordHead], at, d.First)
	}
	if at>>32 != w[wordHead]>>32 {
		w[wordRubbish] = 1
	}
	w[wordHead], w[wordTaken] = at, number
	w[wordDone] += d.Items
	return d, nil
}

// next returns the place and the number of the first record from place on, of an item from
// number first on: where there is none, these of tail and end, where the log ends.
func (l *logs) next(place, first, tail, end uint64) (at, number uint64, err error) {
	for ; place < tail; place = nextSegment(place) {
		b, err := l.content(place >> 32)
		if err != nil {
			return 0, 0, err
		}
		if place>>32 == tail>>32 {
			b = b[:min(int64(len(b)), offsetOf(tail))]
		}
		if offsetOf(place) >= int64(len(b)) {
			continue
		}
		if i, r := l.nextRecord(b[offsetOf(place):], place, first, end); i >= 0 {
			return place + uint64(i), r.number, nil
		}
	}
	return tail, end, nil
}

// setAside copies what stands from place to end into a file that is called after the first
// item that is lost with it.
func (l *logs) setAside(place, end, number uint64) (string, error) {
	const most = 16 << 20 // bytes
	var all []byte
	for ; place < end && len(all) < most; place = nextSegment(place) {
		b, err := l.content(place >> 32)
		if err != nil {
			return "", err
		}
		if place>>32 == end>>32 {
			b = b[:min(int64(len(b)), offsetOf(end))]
		}
		if offsetOf(place) < int64(len(b)) {
			all = append(all, b[offsetOf(place):]...)
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	path, err := l.asidePath(number)
	if err == nil {
		err = os.WriteFile(path, all, 0o600)
	}
	if err != nil {
		_ = os.Remove(path)
		return "", err
	}
	return path, nil
}

// asidePath returns the path of the file for what was lost with item number.
func (l *logs) asidePath(number uint64) (string, error) {
	all, err := l.list("damaged")
	if err == nil && len(all) >= maxAside {
		err = errAside
	}
	return l.damagedPath(number), err
}

// lost ends the lease of an item that is damaged.
func (l *Lease) lost() error {
	d := &Damage{First: l.Row[1], Items: 1}
	err := l.end(ackLost, 1, func(c *shm.Change) {
		if l.Row[4]&longItem != 0 {
			var path string
			if path, d.Err = l.q.logs.asidePath(l.Row[1]); d.Err == nil {
				err := onDisk.rename(l.q.logs.longPath(l.Row[1]), path)
				switch {
				case err == nil:
					d.Aside = path
				case !errors.Is(err, os.ErrNotExist):
					d.Err = err
				}
			}
		} else {
			d.Aside, d.Err = l.q.logs.setAside(l.Row[2], l.Row[2]+recordHead+l.Row[4], l.Row[1])
		}
		l.finished(c, 1)
	})
	if err == nil {
		l.q.tell(d)
	}
	return err
}
