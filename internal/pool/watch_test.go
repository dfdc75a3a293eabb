package pool_test

import (
	"fmt"
	"sync"

	"mpx/internal/task"

	"pgregory.net/rapid"
)

// A ledger counts what Config.Watch is told.
type ledger struct {
	mu      sync.Mutex
	ends    map[uint64]task.Status
	twice   bool
	retries map[uint64]int
	cut     map[uint64]uint32 // the last attempt that another was to follow
	starts  map[uint64]map[uint32]bool
	odd     string // what came in a wrong order
	born    map[int]bool
	left    map[int]bool
}

func newLedger() *ledger {
	return &ledger{
		ends: map[uint64]task.Status{}, retries: map[uint64]int{}, cut: map[uint64]uint32{}, starts: map[uint64]map[uint32]bool{},
		born: map[int]bool{}, left: map[int]bool{},
	}
}

func (l *ledger) add(e task.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Kind {
	case task.TaskStart:
		m := l.starts[e.Result.Seq]
		if m == nil {
			m = map[uint32]bool{}
			l.starts[e.Result.Seq] = m
		}
		l.twice = l.twice || m[e.Result.Attempt]
		m[e.Result.Attempt] = true
	case task.TaskRetry:
		l.retries[e.Result.Seq]++
		l.cut[e.Result.Seq] = e.Result.Attempt
	case task.TaskEnd:
		_, was := l.ends[e.Result.Seq]
		l.twice = l.twice || was
		l.ends[e.Result.Seq] = e.Result.Status
		if e.Worker > 0 && l.cut[e.Result.Seq] >= e.Result.Attempt {
			l.odd = fmt.Sprintf("the end of attempt %d of task %d was told twice", e.Result.Attempt, e.Result.Seq)
		}
	case task.WorkerStart:
		l.born[e.Worker] = true
	case task.WorkerRetire, task.WorkerDie:
		if !l.born[e.Worker] {
			l.odd = fmt.Sprintf("worker %d left before it had come", e.Worker)
		}
		l.left[e.Worker] = true
	}
}

// check holds the events against the results.
func (l *ledger) check(t *rapid.T, final map[uint64]task.Result, again map[uint64]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.twice {
		t.Fatal("an attempt began twice, or a task ended twice")
	}
	if l.odd != "" {
		t.Fatal(l.odd)
	}
	for seq, r := range final {
		if st, ok := l.ends[seq]; !ok || st != r.Status {
			t.Fatalf("task %d is %v, its event says %v", seq, r.Status, st)
		}
		// A retry that was to come, and was cut off, has been told of.
		if n := l.retries[seq]; n != again[seq] && n != again[seq]+1 {
			t.Fatalf("task %d: %d retries told of, %d seen", seq, n, again[seq])
		}
		ran := r.Status != task.Skipped && r.Status != task.Cancelled
		if ran && !l.starts[seq][r.Attempt] {
			t.Fatalf("task %d (%v): the start of attempt %d was not told", seq, r.Status, r.Attempt)
		}
	}
	for w := range l.born {
		if !l.left[w] {
			t.Fatalf("worker %d started and never left", w)
		}
	}
}
