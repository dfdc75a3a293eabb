package pool

import (
	"slices"

	"mpx/internal/shm"
	"mpx/internal/task"
)

// What a pool needs that stands and waits for whoever comes: a first worker before
// the first task, a source without an end, and to be seen from outside.

type warming struct{ done chan struct{} }

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
	return p.Err()
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

// Stand is Stream for a source that waits for whoever comes. Nobody knows whether it
// will yield more, so that counts for nothing where a filter waits for its input to go
// on or to end.
func (p *Pool) Stand(src Source) (*Stream, error) {
	return p.open(&Stream{src: src, standing: true})
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
