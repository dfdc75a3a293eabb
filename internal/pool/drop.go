package pool

import (
	"container/heap"
	"slices"
	"sync/atomic"
)

// Tasks that nobody wants any more, because who had handed them in has gone.

type dropping struct{}

// Drop says that nobody wants the outcome any more of the tasks with this mark
// (task.Task.Unwanted): those that have not begun are Cancelled, unless their worker
// cannot give them back, as a filter that has read them. What has begun goes on, and is
// not tried again.
func (p *Pool) Drop(unwanted *atomic.Bool) {
	unwanted.Store(true)
	p.send(dropping{})
}

// forsake cancels what nobody wants any more.
func (s *scheduler) forsake() {
	if !s.dropped {
		return
	}
	s.dropped = false
	mine := s.queue.takeUnwanted()
	for i := len(s.later) - 1; i >= 0; i-- {
		if !s.later[i].Wanted() {
			mine = append(mine, s.later[i])
			s.later = slices.Delete(s.later, i, i+1)
		}
	}
	heap.Init(&s.later)
	s.cancel(mine)
	for _, w := range s.workers {
		s.recallUnwanted(w)
	}
}

// wanted cancels those of items that nobody wants and returns the others.
func (s *scheduler) wanted(items []item) []item {
	if !slices.ContainsFunc(items, unwanted) {
		return items
	}
	var mine, others []item
	for _, it := range items {
		if it.Wanted() {
			others = append(others, it)
		} else {
			mine = append(mine, it)
		}
	}
	s.cancel(mine)
	return others
}

func unwanted(it item) bool { return !it.Wanted() }

// recallUnwanted asks w for what nobody wants, and for all that it was handed after the
// first of that: a worker gives back the newest first. The others are the next to be
// handed out again.
func (s *scheduler) recallUnwanted(w *worker) {
	if n := w.sinceUnwanted(); n > 0 && !w.recalled {
		w.recalled = true
		w.post(message{recall: n})
	}
}

// takeUnwanted removes the items that nobody wants.
func (q *queue) takeUnwanted() (out []item) {
	takes := func(it item) bool {
		if it.Wanted() {
			return false
		}
		out = append(out, it)
		q.tasks -= it.N()
		return true
	}
	q.again = slices.DeleteFunc(q.again, takes)
	q.items, q.head = slices.DeleteFunc(q.items[q.head:], takes), 0
	return out
}
