package pool

import (
	"time"

	"mpx/internal/task"
)

// watch tells Config.Watch of e.
func (s *scheduler) watch(e task.Event) {
	if s.p.cfg.Watch != nil {
		e.Time = time.Now()
		s.p.cfg.Watch(e)
	}
}

// watchWorker tells of something in w's life.
func (s *scheduler) watchWorker(kind task.EventKind, w *worker, reason string) {
	s.watch(task.Event{Kind: kind, Worker: w.number, Slot: w.slot, PID: w.pid, Reason: reason})
}

// watchBorn tells that w's process has been started.
func (s *scheduler) watchBorn(w *worker) {
	w.born = true
	s.watchWorker(task.WorkerStart, w, "")
	if w.retiring {
		s.watchRetired(w)
	}
}

// watchRetired tells that w is to leave, if it is known to have come: it may be
// told to while its process is being started.
func (s *scheduler) watchRetired(w *worker) {
	if w.born {
		s.watchWorker(task.WorkerRetire, w, w.reason)
	}
}

// A Status is what a pool is doing.
type Status struct {
	Read    uint64         // tasks taken from sources so far
	All     bool           // no more will come
	Running []task.Running // in the order of their workers' starts
	Waiting int            // tasks that no worker has been given
	Workers []WorkerStatus // in the order of their starts
}

type asking struct{ reply chan Status }

// Status returns what p is doing; the zero Status once it has ended.
func (p *Pool) Status() Status {
	e := asking{make(chan Status, 1)}
	if !p.send(e) {
		return Status{All: true}
	}
	return <-e.reply
}

func (s *scheduler) status() Status {
	st := Status{Read: s.seq, All: !s.reading(), Waiting: s.queue.len() + len(s.later)}
	for _, w := range s.workers {
		st.Workers = append(st.Workers, w.status())
		if r, ok := w.running(); ok {
			st.Running = append(st.Running, r)
		}
	}
	return st
}
