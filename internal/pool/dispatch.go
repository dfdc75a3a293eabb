package pool

import (
	"container/heap"
	"time"
)

const (
	// aheadTime is how much work a worker should have waiting, by the tasks'
	// usual run time: enough to hide the way to the supervisor and back.
	aheadTime = 16 * time.Millisecond
	// aheadMost and aheadBytes bound it in tasks and in bytes.
	aheadMost  = 1024
	aheadBytes = 1 << 20
)

// dispatch hands out tasks as far as workers have room, starts workers for what
// is left, and has a worker give back tasks when another has none.
func (s *scheduler) dispatch() {
	if s.stopped || s.held {
		return
	}
	s.refillAll(true) // nobody queues behind another's task while one is idle
	for s.queue.len() > 0 && s.mayStart() {
		w := s.start()
		s.refill(w)
	}
	s.refillAll(false)
	if s.queue.len() == 0 {
		s.balance()
	}
}

// refillAll hands tasks to the workers that are idle, or to all.
func (s *scheduler) refillAll(idle bool) {
	for _, w := range s.workers {
		if s.queue.len() == 0 {
			return
		}
		if !idle || w.outstanding == 0 {
			s.refill(w)
		}
	}
}

// mayStart reports whether another worker may be started.
func (s *scheduler) mayStart() bool { return !s.waiting && s.slots.used < s.limit }

// refill hands tasks to w if it is running low.
func (s *scheduler) refill(w *worker) {
	target := s.target()
	if w.retiring || w.outstanding > target/2 || s.p.cfg.ChunkSize > 0 && w.outstanding > 0 {
		return
	}
	n := min(target-w.outstanding, s.share())
	if most := s.p.cfg.MaxTasksPerChild; most > 0 {
		n = min(n, most-w.given)
	}
	items := s.queue.take(n, aheadBytes)
	if len(items) == 0 {
		return
	}
	s.announce(items, w.slot)
	w.outstanding += len(items)
	w.given += len(items)
	w.hand(items)
	if most := s.p.cfg.MaxTasksPerChild; most > 0 && w.given >= most {
		s.retire(w)
	}
}

// announce tells of items that are handed out for the first time.
func (s *scheduler) announce(items []item, slot int) {
	if s.p.cfg.Starting == nil {
		return
	}
	for i := range items {
		if !items[i].told {
			items[i].told = true
			s.p.cfg.Starting(&items[i].Task, slot)
		}
	}
}

// target is how many tasks a worker should have, the running one among them.
func (s *scheduler) target() int {
	if n := s.p.cfg.ChunkSize; n > 0 {
		return n
	}
	if s.mean <= 0 {
		return 1
	}
	return int(min(max(aheadTime.Seconds()/s.mean, 1), aheadMost))
}

// share keeps one worker from taking what others could run now.
func (s *scheduler) share() int {
	if s.p.cfg.ChunkSize > 0 {
		return s.p.cfg.ChunkSize
	}
	return (s.queue.len() + s.limit - 1) / s.limit
}

// balance has the worker with the most tasks give back half of those it has not
// started, if another is idle or may be started. A chunksize that the user gave
// stands.
func (s *scheduler) balance() {
	if s.p.cfg.ChunkSize > 0 {
		return
	}
	idle := s.mayStart()
	var most *worker
	for _, w := range s.workers {
		if w.recalled {
			return // one at a time
		}
		if w.outstanding == 0 && !w.retiring {
			idle = true
		}
		if w.outstanding > 1 && (most == nil || w.outstanding > most.outstanding) {
			most = w
		}
	}
	if !idle || most == nil {
		return
	}
	most.recalled = true
	most.post(message{recall: most.outstanding / 2})
}

// A queue holds the tasks that no worker has.
type queue struct {
	again []item // to be handed out first, in order
	items []item
	head  int // of items
}

func (q *queue) len() int { return len(q.again) + len(q.items) - q.head }

func (q *queue) push(it item) {
	if q.head > 0 && len(q.items) == cap(q.items) && q.head >= len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, it)
}

func (q *queue) unshift(items []item) { q.again = append(q.again, items...) }

// take removes up to n items, and no more than one after bytes of data.
func (q *queue) take(n, bytes int) []item {
	n = min(n, q.len())
	out := make([]item, 0, max(n, 0))
	for len(out) < n && bytes > 0 {
		it := q.pop()
		bytes -= it.Size()
		out = append(out, it)
	}
	return out
}

func (q *queue) pop() (it item) {
	if len(q.again) > 0 {
		it = q.again[0]
		if q.again = q.again[1:]; len(q.again) == 0 {
			q.again = nil
		}
		return it
	}
	it = q.items[q.head]
	q.items[q.head] = item{}
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return it
}

func (q *queue) takeAll() []item { return q.take(q.len(), 1<<62) }

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

// free gives w's slot to its successor. It is called once w has no task left,
// and again without effect when w is gone.
func (s *slots) free(w *worker) {
	if w.freed {
		return
	}
	w.freed = true
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
