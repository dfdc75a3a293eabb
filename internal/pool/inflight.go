package pool

import (
	"fmt"
	"slices"
)

// What a worker has been handed and has not answered, in order. w.mu guards it.

// front is the task that a worker must be speaking of, as it runs one at a time
// in order.
func (w *worker) front(seq uint64) (item, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(seq)
	if err != nil {
		return item{}, err
	}
	return w.inflight[i], nil
}

// find returns where in flight the task stands that a worker speaks of. w.mu
// must be held.
func (w *worker) find(seq uint64) (int, error) {
	i := 0
	if w.p.cfg.AnyOrder {
		i = max(0, slices.IndexFunc(w.inflight, func(it item) bool { return it.Seq == seq }))
	}
	if i == len(w.inflight) || w.inflight[i].Seq != seq {
		return 0, fmt.Errorf("%s spoke of task %d, which it was not to run", w.name(), seq)
	}
	return i, nil
}

// answer removes the task that a worker has ended.
func (w *worker) answer(seq uint64) (item, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(seq)
	if err != nil {
		return item{}, err
	}
	if i > 0 {
		it := w.inflight[i]
		w.inflight = slices.Delete(w.inflight, i, i+1)
		return it, nil
	}
	it := w.cut(&w.inflight, 1)
	it.Single()
	return it, nil
}

// cut removes the first item; of a span, the first n records.
func (w *worker) cut(items *[]item, n int) item {
	list := *items
	it := list[0]
	if it.N() > n {
		it.Task = list[0].Cut(n, w.p.cfg.Delim)
		return it
	}
	list[0] = item{}
	if *items = list[1:]; len(*items) == 0 {
		*items = nil
	}
	return it
}

// giveBack removes the tasks of seqs.
func (w *worker) giveBack(seqs []uint64) (back []item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keep := w.inflight[:0:0]
	for _, it := range w.inflight {
		at := slices.IndexFunc(seqs, func(s uint64) bool { return s >= it.Seq && s-it.Seq < uint64(it.N()) })
		if at < 0 {
			keep = append(keep, it)
			continue
		}
		if n := int(seqs[at] - it.Seq); n > 0 {
			head := it
			head.Task = it.Cut(n, w.p.cfg.Delim)
			keep = append(keep, head)
		}
		back = append(back, it)
	}
	w.inflight = keep
	return back
}

// sinceUnwanted returns how many tasks are in flight from the first on that nobody wants
// and that is not seen to run. A filter may have begun some of them.
func (w *worker) sinceUnwanted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.inflight, unwanted)
	if i == 0 && w.runs(&w.inflight[0]) {
		if i = slices.IndexFunc(w.inflight[1:], unwanted); i >= 0 {
			i++
		}
	}
	if i < 0 {
		return 0
	}
	return count(w.inflight[i:])
}

func (w *worker) takeInflight() []item {
	w.mu.Lock()
	defer w.mu.Unlock()
	items := w.inflight
	w.inflight = nil
	return items
}
