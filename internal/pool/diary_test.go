package pool_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// A diary keeps what Config.Watch is told, in order.
type diary struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	kind         task.EventKind
	worker, slot int
	seq          uint64
	attempt      uint32
	pid          int
	reason       string
}

// watched is cfg, and what happens in its pool.
func watched(cfg pool.Config) (pool.Config, *diary) {
	d := &diary{}
	cfg.Watch = d.add
	return cfg, d
}

func (d *diary) add(e task.Event) {
	n := entry{kind: e.Kind, worker: e.Worker, slot: e.Slot, pid: e.PID, reason: e.Reason}
	if e.Result != nil {
		n.seq, n.attempt = e.Result.Seq, e.Result.Attempt
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, n)
}

func (d *diary) list() []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.entries)
}

// find returns where the first entry stands that is like this; -1 if there is none.
func (d *diary) find(kind task.EventKind, worker int, seq uint64) int {
	return slices.IndexFunc(d.list(), func(e entry) bool { return e.kind == kind && e.worker == worker && e.seq == seq })
}

// ready waits until a worker is, and returns its pid.
func (d *diary) ready(t *testing.T, worker int) int {
	t.Helper()
	eventually(t, "the worker is ready", func() bool { return d.find(task.WorkerReady, worker, 0) >= 0 })
	return d.list()[d.find(task.WorkerReady, worker, 0)].pid
}

// wantOrder checks that entries stand in the order of their places.
func wantOrder(t *testing.T, places ...int) {
	t.Helper()
	if !slices.IsSorted(places) || slices.Contains(places, -1) {
		t.Errorf("events at %v", places)
	}
}

// check holds the diary of a pool that has ended against what always holds: a
// slot runs one task at a time, no more than jobs do, a worker runs no more than
// most (0: any number), and each that came has left with a reason. It returns how
// many tasks each worker ran.
func (d *diary) check(t *testing.T, jobs, most int) map[int]int {
	t.Helper()
	busy, runs := map[int]map[uint64]int{}, map[int]int{} // by slot: the tasks that run, and where
	for i, e := range d.list() {
		switch e.kind {
		case task.WorkerStart:
			runs[e.worker] += 0
		case task.TaskStart:
			for seq, worker := range busy[e.slot] { // a worker's own ends may be told after its next beginning
				if worker != e.worker {
					t.Errorf("event %d: task %d begins in slot %d, where task %d runs", i, e.seq, e.slot, seq)
				}
			}
			if busy[e.slot] == nil {
				busy[e.slot] = map[uint64]int{}
			}
			busy[e.slot][e.seq] = e.worker
			runs[e.worker]++
		case task.TaskEnd, task.TaskRetry:
			delete(busy[e.slot], e.seq)
		case task.WorkerRetire:
			if e.reason == "" {
				t.Errorf("event %d: worker %d retires without a reason", i, e.worker)
			}
		}
		if e.slot > jobs {
			t.Errorf("event %d: slot %d", i, e.slot)
		}
	}
	for worker, n := range runs {
		if most > 0 && n > most {
			t.Errorf("worker %d ran %d tasks", worker, n)
		}
		if d.find(task.WorkerRetire, worker, 0) < 0 && d.find(task.WorkerDie, worker, 0) < 0 {
			t.Errorf("worker %d has never left", worker)
		}
	}
	return runs
}

// reasons returns why workers retired, each reason once, without numbers.
func (d *diary) reasons() (all []string) {
	for _, e := range d.list() {
		if e.kind == task.WorkerRetire {
			what, _, _ := strings.Cut(e.reason, ":")
			all = append(all, what)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
