package pool

import (
	"container/heap"
	"slices"

	"mpx/internal/shm"
	"mpx/internal/task"
)

// What a pool needs that stands and waits for whoever comes: a first worker before
// the first task, work that nobody wants any more, and to be seen from outside.

type (
	warming  struct{ done chan struct{} }
	dropping struct{ s *Stream }
)

// Warm starts a worker before there is a task, and waits until its initializer has
// worked, if there is one. The error is why the pool gave up: of initializers that
// fail three times in a row, what they printed.
func (p *Pool) Warm() error {
	done := make(chan struct{})
	p.send(warming{done})
	select {
	case <-done:
	case <-p.ended:
	}
	return p.err()
}

// warm starts the worker that Warm waits for, again when the last one has failed.
func (s *scheduler) warm() {
	if len(s.warmers) == 0 {
		return
	}
	if len(s.workers) == 0 && s.acts() && s.mayStart() {
		s.start()
	}
	initialized := func(w *worker) bool { return w.useful || len(s.p.cfg.Initializer) == 0 }
	if slices.ContainsFunc(s.workers, initialized) {
		for _, done := range s.warmers {
			close(done)
		}
		s.warmers = nil
	}
}

// Done returns a channel that is closed when the result is there.
func (a *AsyncResult) Done() <-chan struct{} { return a.done }

// Drop says that nobody wants the result any more: what no worker has been given is
// Cancelled, what one has goes on, and is not retried.
func (a *AsyncResult) Drop() { a.s.Drop() }

// Drop says that nobody wants s any more: of its tasks, those that no worker has been
// given are Cancelled, the others go on, and are not retried. Its source is still read
// to the end.
func (s *Stream) Drop() { s.p.send(dropping{s}) }

func (s *scheduler) forsake(st *Stream) {
	st.dropped = true
	mine := s.queue.takeOf(st)
	for i := len(s.later) - 1; i >= 0; i-- {
		if s.later[i].s == st {
			mine = append(mine, s.later[i])
			s.later = slices.Delete(s.later, i, i+1)
		}
	}
	heap.Init(&s.later)
	s.cancel(mine)
}

// takeOf removes the items of st.
func (q *queue) takeOf(st *Stream) (out []item) {
	all := append(q.again, q.items[q.head:]...)
	n := len(q.again)
	q.again, q.items, q.head = nil, nil, 0
	for i, it := range all {
		switch {
		case it.s == st:
			out = append(out, it)
			q.tasks -= it.N()
		case i < n:
			q.again = append(q.again, it)
		default:
			q.items = append(q.items, it)
		}
	}
	return out
}

// A WorkerStatus is a worker that is there.
type WorkerStatus struct {
	Number  int
	Slot    int
	PID     int           // 0: it is being started
	State   string        // starting, idle, busy, retiring
	Has     int           // tasks that it has been given and not answered
	Running *task.Running // nil: none, or nobody can see which
}

// status returns what w is doing.
func (w *worker) status() WorkerStatus {
	st := WorkerStatus{Number: w.number, Slot: w.slot, Has: w.outstanding, State: "idle"}
	if r, ok := w.running(); ok {
		st.Running = &r
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		st.PID = w.pid
	}
	switch {
	case !w.started, !w.useful && w.started && !w.gone && w.board.State.Load() == shm.Busy && w.board.Seq.Load() == 0:
		st.State = "starting"
	case w.retiring:
		st.State = "retiring"
	case w.outstanding > 0:
		st.State = "busy"
	}
	return st
}
