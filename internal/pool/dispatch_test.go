package pool

import (
	"errors"
	"testing"
	"time"

	"mpx/internal/task"
)

// A bench is a scheduler with workers that are no processes: what they are told
// stays in their outboxes.
type bench struct {
	*scheduler
	t      *testing.T
	stream *Stream
}

// newBench has n workers and no room for another.
func newBench(t *testing.T, n int, cfg Config) *bench {
	t.Helper()
	cfg.Function, cfg.Jobs = "none", n
	if err := check(&cfg); err != nil {
		t.Fatal(err)
	}
	p := &Pool{cfg: cfg, events: make(chan event), ended: make(chan struct{}), kin: &family, store: task.NewStore("")}
	b := &bench{newScheduler(p), t, &Stream{p: p, open: true, window: NewWindow(cfg)}}
	b.stream.change.L = &b.stream.mu
	for range n {
		b.addWorker()
	}
	return b
}

func (b *bench) addWorker() *worker {
	b.started++
	w := &worker{p: b.p, number: b.started, slot: b.slots.take(), stay: b.p.cfg.draw()}
	w.more.L = &w.mu
	b.workers = append(b.workers, w)
	return w
}

// arrives queues n tasks and dispatches.
func (b *bench) arrives(n int) {
	b.handle(arriving{s: b.stream, tasks: make([]task.Task, n)})
	b.dispatch()
}

// answers has w finish its first n tasks in d each.
func (b *bench) answers(w *worker, n int, d time.Duration) {
	b.t.Helper()
	e := reported{w: w}
	for range n {
		it, err := w.answer(w.inflight[0].Seq)
		if err != nil {
			b.t.Fatal(err)
		}
		e.results = append(e.results, result{it, task.Result{Task: it.Task, Elapsed: d}})
	}
	b.handle(e)
	b.dispatch()
}

// givesBack has w answer the recalls in its outbox, as a worker does: all but
// the task that runs.
func (b *bench) givesBack(w *worker) {
	for _, m := range w.outbox {
		if m.recall == 0 {
			continue
		}
		var back []uint64
		waiting := w.inflight[min(1, len(w.inflight)):]
		for _, it := range waiting[max(0, len(waiting)-m.recall):] {
			back = append(back, it.Seq)
		}
		w.outbox = nil
		b.handle(reported{w: w, back: w.giveBack(back), recall: true})
		b.dispatch()
		return
	}
}

func (b *bench) outstanding() (n []int) {
	for _, w := range b.workers {
		if w.outstanding != len(w.inflight) {
			b.t.Errorf("worker %d: %d outstanding, %d in flight", w.number, w.outstanding, len(w.inflight))
		}
		n = append(n, w.outstanding)
	}
	return n
}

// While nothing is known of the tasks each worker has one; then as many as
// aheadTime holds, but never more than its share.
func TestChunksGrow(t *testing.T) {
	b := newBench(t, 2, Config{})
	b.arrives(100)
	if n := b.outstanding(); n[0] != 1 || n[1] != 1 {
		t.Errorf("at first: %v", n)
	}
	b.answers(b.workers[0], 1, 2*time.Millisecond)
	if n := b.outstanding(); n[0] != 8 {
		t.Errorf("2 ms a task: %v, want 8", n)
	}
	for b.queue.len() > 0 {
		b.answers(b.workers[1], 1, time.Microsecond)
	}
	if n := b.outstanding(); n[1] > 50 {
		t.Errorf("quick tasks: %v", n)
	}
}

// Idle workers come first: nothing is put behind a running task while they are.
func TestIdleFirst(t *testing.T) {
	b := newBench(t, 3, Config{})
	b.mean = 1e-6
	b.arrives(1)
	b.arrives(1)
	b.arrives(1)
	if n := b.outstanding(); n[0] != 1 || n[1] != 1 || n[2] != 1 {
		t.Errorf("%v", n)
	}
}

// Whatever a worker has behind a task that does not end, others get it.
func TestBalance(t *testing.T) {
	b := newBench(t, 2, Config{})
	b.mean = 1e-6
	b.arrives(100)
	slow, quick := b.workers[0], b.workers[1]
	for range 1000 {
		if n := len(quick.inflight); n > 0 {
			b.answers(quick, n, time.Microsecond)
		}
		b.givesBack(slow)
	}
	if n := b.outstanding(); n[0] != 1 || n[1] != 0 || b.queue.len() != 0 {
		t.Errorf("%v, %d queued", n, b.queue.len())
	}
}

// A worker gets no more than it may have, and is retired with its last.
func TestShareOfRetiring(t *testing.T) {
	b := newBench(t, 1, Config{MaxTasksPerChild: 5})
	b.mean = 1e-6
	b.arrives(100)
	w := b.workers[0]
	if w.given != 5 || !w.retiring || b.slots.used != 1 {
		t.Errorf("given %d, retiring %v, slots %d", w.given, w.retiring, b.slots.used)
	}
	b.limit = 0 // no successor
	b.answers(w, 5, time.Microsecond)
	if b.slots.used != 0 || w.given != 5 {
		t.Errorf("given %d, slots %d", w.given, b.slots.used)
	}
}

// What is handed to a worker between its end and the news of it is not lost.
func TestHandedToTheDead(t *testing.T) {
	b := newBench(t, 1, Config{})
	b.arrives(3)
	w := b.workers[0]
	d := died{w: w, back: w.takeInflight(), how: errors.New("was killed")}
	w.outstanding = 0
	b.dispatch() // it looks idle
	if len(w.inflight) != 1 {
		t.Fatalf("%d in flight", len(w.inflight))
	}
	b.limit = 0
	b.handle(d)
	if b.queue.len() != 3 || b.slots.used != 0 || len(b.workers) != 0 {
		t.Errorf("%d queued, %d slots, %d workers", b.queue.len(), b.slots.used, len(b.workers))
	}
}

// Nothing is handed out while the pool is held, and all of it afterwards.
func TestHeld(t *testing.T) {
	b := newBench(t, 2, Config{})
	done := make(chan struct{})
	b.handle(pausing{done})
	b.arrives(10)
	for _, w := range b.workers {
		select {
		case <-done:
			t.Error("done before all had paused")
		default:
		}
		b.handle(reported{w: w, paused: true})
		b.dispatch()
	}
	<-done
	if b.queue.len() != 10 {
		t.Errorf("%d queued", b.queue.len())
	}
	b.handle(resuming{})
	b.dispatch()
	if n := b.outstanding(); n[0] != 1 || n[1] != 1 {
		t.Errorf("%v", n)
	}
}

// The scheduler itself can give up, with nobody to take its events.
func TestFailFromScheduler(t *testing.T) {
	b := newBench(t, 1, Config{})
	want := errors.New("no use")
	b.p.fail(want)
	b.p.fail(errors.New("another"))
	if e, ok := (<-b.p.events).(stopping); !ok || b.p.Err() != want || !b.p.closed {
		t.Errorf("%v, %v", e, b.p.Err())
	}
}

// Results that nobody has taken count with their tasks' data, unless that is
// forgotten; those that are released count no more.
func TestHeldBytes(t *testing.T) {
	for _, forget := range []bool{false, true} {
		b := newBench(t, 1, Config{Forget: forget})
		const size = heldBytes / 10
		data := make([]byte, size)
		fill := func() (n int) {
			for ; n < 100 && !b.stream.blocked(); n++ {
				ts := []task.Task{{FromStdin: true, Stdin: data}}
				b.stream.count(ts)
				b.handle(arriving{s: b.stream, tasks: ts})
				b.dispatch()
				b.answers(b.workers[0], 1, time.Second)
			}
			return n
		}
		first := fill()
		results, err := b.stream.Next()
		b.stream.Release(3)
		second := fill()
		if want := [2]int{11, 3}; !forget && [2]int{first, second} != want {
			t.Errorf("%d and %d tasks before it is full, want %v", first, second, want)
		}
		if want := [2]int{100, 100}; forget && [2]int{first, second} != want {
			t.Errorf("%d and %d tasks before it is full, want %v", first, second, want)
		}
		if err != nil || len(results) != first || (results[0].Stdin == nil) != forget {
			t.Errorf("%d results, %v", len(results), err)
		}
	}
}

// A worker that may be started is as good as an idle one: tasks are called
// back for it.
func TestBalanceForNewWorker(t *testing.T) {
	b := newBench(t, 2, Config{})
	b.mean = 1e-6
	b.arrives(20)
	slow, gone := b.workers[0], b.workers[1]
	for b.queue.len() > 0 {
		b.dispatch()
	}
	b.retire(gone, "no more tasks")
	slow.outbox = nil
	b.answers(gone, len(gone.inflight), time.Microsecond)
	if len(slow.outbox) != 1 || slow.outbox[0].recall != slow.outstanding/2 {
		t.Errorf("%d outstanding, told %+v", slow.outstanding, slow.outbox)
	}
}

// Values that the pool never took from MapAsync, as it ended before, are
// Cancelled like the rest.
func TestNeverArrived(t *testing.T) {
	b := newBench(t, 1, Config{})
	go func() {
		s := (<-b.p.events).(opening).s
		s.stop()
		s.finish(ErrTerminated)
	}()
	a, err := b.p.MapAsync(make([]task.Values, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	results, err := a.Get(-1)
	close(b.p.ended)
	if err != ErrTerminated || len(results) != 3 {
		t.Errorf("%d results, %v", len(results), err)
	}
	for i := range results {
		if results[i].Status != task.Cancelled || results[i].Index != uint64(i) {
			t.Errorf("result %d: %s, index %d", i, results[i].Status, results[i].Index)
		}
	}
}
