package pool

import "container/heap"

// A queue holds the tasks that no worker has.
type queue struct {
	again []item // to be handed out first, in order
	items []item
	head  int // of items
	tasks int
}

// len returns how many tasks q holds, the records of its spans each counted.
func (q *queue) len() int { return q.tasks }

func (q *queue) push(it item) {
	q.tasks += it.N()
	if q.head > 0 && len(q.items) == cap(q.items) && q.head >= len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, it)
}

func (q *queue) unshift(items []item) {
	for i := range items {
		q.tasks += items[i].N()
	}
	q.again = append(q.again, items...)
}

// take removes up to n tasks, and no more than one item after bytes of data. A
// span is cut, whose records delim ends.
func (q *queue) take(n, bytes int, delim byte) []item {
	n = min(n, q.tasks)
	q.tasks -= max(n, 0)
	out := make([]item, 0, max(min(n, len(q.again)+len(q.items)-q.head), 0))
	for n > 0 && bytes > 0 {
		it := q.pop(n, delim)
		n -= it.N()
		bytes -= it.Size()
		out = append(out, it)
	}
	q.tasks += max(n, 0)
	return out
}

// pop removes the first item; of a span, up to n records.
func (q *queue) pop(n int, delim byte) (it item) {
	first := q.first()
	if it = *first; it.N() > n {
		it.Task = first.Cut(n, delim)
		return it
	}
	if len(q.again) > 0 {
		if q.again = q.again[1:]; len(q.again) == 0 {
			q.again = nil
		}
		return it
	}
	q.items[q.head] = item{}
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return it
}

func (q *queue) first() *item {
	if len(q.again) > 0 {
		return &q.again[0]
	}
	return &q.items[q.head]
}

func (q *queue) takeAll() []item { return q.take(q.tasks, 1<<62, 0) }

// slots are the job slots, numbered from 1. The lowest free one is taken, so
// that numbers stay below the most that ever ran at once.
type slots struct {
	used   int
	top    int
	unused intHeap
}

func (s *slots) take() int {
	s.used++
	if len(s.unused) > 0 {
		return heap.Pop(&s.unused).(int)
	}
	s.top++
	return s.top
}

// free gives w's slot to its heir, or to the next worker that starts. It is called once w has no task left,
// and again without effect when w is gone.
func (s *slots) free(w *worker) {
	if w.freed {
		return
	}
	w.freed = true
	if w.bequeath() {
		return
	}
	s.used--
	heap.Push(&s.unused, w.slot)
}

type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
