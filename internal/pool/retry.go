package pool

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"mpx/internal/task"
)

// maxRetryDelay is where doubling ends. A user's own delay may be longer, up to
// what time can be reckoned with.
const (
	maxRetryDelay = time.Hour
	maxDelay      = 100 * 365 * 24 * time.Hour
)

// settle keeps those of results that are their tasks' outcomes. The others are
// queued again.
func (s *scheduler) settle(results []result) []result {
	final := results[:0]
	for i := range results {
		s.releaseOne(&results[i].it)
		if r := &results[i]; s.failsAgain(r) {
			s.again(r, s.retryDelay(r.it.failed))
		} else {
			s.end(&r.r)
			final = append(final, *r)
		}
	}
	return final
}

// failsAgain reports whether r is a failure that another attempt may mend, and
// counts it.
func (s *scheduler) failsAgain(r *result) bool {
	c := &s.p.cfg
	if s.stopped || s.halted || !r.it.Wanted() || r.it.failed >= c.Retries || !failed(r.r.Status) {
		return false
	}
	if c.RetryOn != nil && !c.RetryOn(&r.r) {
		return false
	}
	r.it.failed++
	return true
}

func failed(st task.Status) bool {
	return st == task.Failed || st == task.Signalled || st == task.TimedOut
}

// retryDelay returns how long to wait before the n-th retry: doubled each time,
// and a quarter more or less, so that tasks that failed together do not come
// back together.
func (s *scheduler) retryDelay(n int) time.Duration {
	d := s.p.cfg.RetryDelay
	for ; n > 1 && d < maxRetryDelay; n-- {
		d *= 2
	}
	if d > maxRetryDelay {
		d = min(max(maxRetryDelay, s.p.cfg.RetryDelay), maxDelay)
	}
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

// again queues the task of r for its next attempt, after delay. What came of
// this one is kept: it is the outcome if there is no next.
func (s *scheduler) again(r *result, delay time.Duration) {
	r.r.Again = true
	s.watch(task.Event{Kind: task.TaskRetry, Result: &r.r, Delay: delay, Worker: r.r.Worker, Slot: r.r.Slot})
	it, prior := r.it, r.r
	it.prior = &prior
	it.Attempt++
	if delay <= 0 {
		s.queue.unshift([]item{it})
		return
	}
	it.notBefore = time.Now().Add(delay)
	heap.Push(&s.later, it)
	s.wake(it.notBefore)
}

// ripen queues the tasks whose time to run again has come.
func (s *scheduler) ripen() {
	now := time.Now()
	for len(s.later) > 0 && !s.later[0].notBefore.After(now) {
		s.queue.unshift([]item{heap.Pop(&s.later).(item)})
	}
	if len(s.later) > 0 {
		s.wake(s.later[0].notBefore)
	}
}

// release delivers what the attempts before came to: there is a next one.
func (s *scheduler) release(items []item) {
	for i := range items {
		s.releaseOne(&items[i])
	}
}

func (s *scheduler) releaseOne(it *item) {
	prior := it.prior
	if prior == nil {
		return
	}
	if prior.Status == task.Lost {
		prior.Note = "" // said when it happened
	}
	s.deliver([]result{{*it, *prior}})
	it.prior = nil
}

// lose decides what becomes of the task that a worker died under.
func (s *scheduler) lose(e died) {
	it := *e.lost
	it.Single()
	s.releaseOne(&it)
	it.lost++
	r := result{it, e.part}
	r.r.Task, r.r.Status = it.Task, task.Lost
	r.r.Worker, r.r.Slot = e.w.number, e.w.slot
	r.r.Note = fmt.Sprintf("worker %s (pid %d) %s while it ran task %d", e.w.name(), e.w.pid, e.how, it.Seq)
	if (e.w.told != attempt{it.Seq, it.Attempt}) { // it died before it could say so
		s.begun(e.w, []result{r})
	}
	s.watch(task.Event{Kind: task.TaskLost, Result: &r.r, Worker: e.w.number, Slot: e.w.slot, PID: e.w.pid, Reason: e.how.Error()})
	if !s.stopped && !s.halted && it.Wanted() && it.lost <= s.p.cfg.RetryLost {
		s.p.notice(fmt.Sprintf("%s, which runs again (attempt %d)", r.r.Note, it.Attempt+1), "")
		s.again(&r, 0)
		return
	}
	s.end(&r.r)
	s.deliver([]result{r})
}

// waitingItems is a heap of the tasks that wait for their next attempt, the
// earliest first.
type waitingItems []item

func (h waitingItems) Len() int           { return len(h) }
func (h waitingItems) Less(i, j int) bool { return h[i].notBefore.Before(h[j].notBefore) }
func (h waitingItems) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *waitingItems) Push(x any)        { *h = append(*h, x.(item)) }
func (h *waitingItems) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = item{}
	*h = old[:len(old)-1]
	return x
}
