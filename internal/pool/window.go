package pool

import "mpx/internal/task"

// The bounds of what is read ahead and held back. The one on waiting data gives
// way to having two tasks for each worker, however large they are.
const (
	defaultWindow = 16 << 10  // tasks in all
	defaultAhead  = 1 << 10   // tasks without a result, for each worker and one more
	waitingBytes  = 4 << 20   // of tasks without a result
	heldBytes     = 256 << 20 // of tasks whose results have not been released
)

// A Window bounds how many tasks of a source are in a run's memory: those that wait
// for a result, and those whose result waits until its caller has done with it. Of
// both it counts the bytes of their data, too. Whoever has it guards it by a lock.
type Window struct {
	jobs    int // workers at a time; 0: no number
	most    int // tasks in all
	ahead   int // tasks without a result, for each worker and one more
	waiting load
	held    load
}

// A load is a number of tasks and the bytes of their data.
type load struct{ tasks, bytes int }

func (l *load) add(o load) { l.tasks, l.bytes = l.tasks+o.tasks, l.bytes+o.bytes }
func (l *load) sub(o load) { l.tasks, l.bytes = l.tasks-o.tasks, l.bytes-o.bytes }

// NewWindow returns the window of a run that cfg describes by Jobs, Window and Ahead.
func NewWindow(cfg Config) Window {
	cfg.bound()
	return Window{jobs: cfg.Jobs, most: cfg.Window, ahead: cfg.Ahead}
}

// bound gives the bounds that cfg leaves open.
func (cfg *Config) bound() {
	if cfg.Window == 0 {
		cfg.Window = defaultWindow
	}
	if cfg.Ahead == 0 {
		cfg.Ahead = defaultAhead
	}
}

// Full reports whether no more is to be read ahead for now.
func (w *Window) Full() bool {
	if w.waiting.tasks+w.held.tasks >= w.most || w.held.bytes >= heldBytes {
		return true
	}
	enough := w.jobs > 0 && w.waiting.tasks >= w.ahead*(w.jobs+1)
	return enough || w.waiting.bytes >= waitingBytes && w.waiting.tasks >= 2*max(w.jobs, 1)
}

// Read takes in tasks that have been read.
func (w *Window) Read(tasks []task.Task) {
	for i := range tasks {
		w.waiting.add(load{tasks[i].N(), tasks[i].Size()})
	}
}

// Answer takes in the result of a task, and leaves the task's data out of it if
// forget says so.
func (w *Window) Answer(r *task.Result, forget bool) {
	if w.waiting.sub(load{r.N(), r.Size()}); w.waiting.tasks == 0 {
		w.waiting.bytes = 0 // spans are cut, and their parts round
	}
	if forget {
		r.Forget()
	}
	w.held.add(load{r.N(), r.Size()})
}

// Release takes in that the caller has done with n results. Their share of the bytes
// held is taken to be the usual one.
func (w *Window) Release(n int) {
	if w.held.tasks > 0 {
		w.held.sub(load{n, int(float64(w.held.bytes) * float64(n) / float64(w.held.tasks))})
	}
}
