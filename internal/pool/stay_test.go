package pool

import (
	"testing"
	"time"

	"mpx/internal/task"
)

// A worker's own limits are never above those of the pool, at most a tenth below,
// and differ; few tasks are an exact number.
func TestDraw(t *testing.T) {
	cfg := Config{MaxTasksPerChild: 1000, MaxWorkerMemory: 1 << 30, MaxWorkerAge: time.Hour}
	tasks, memories, ages := map[int]bool{}, map[int64]bool{}, map[time.Duration]bool{}
	for range 1000 {
		sp := cfg.draw()
		age := sp.expires.Sub(sp.begun)
		if sp.most > 1000 || sp.most < 900 || sp.memory > 1<<30 || sp.memory < 1<<30-1<<30/10 || age > time.Hour || age < 54*time.Minute {
			t.Fatalf("%+v", sp)
		}
		tasks[sp.most], memories[sp.memory], ages[age] = true, true, true
	}
	if len(tasks) < 50 || len(memories) < 900 || len(ages) < 900 {
		t.Errorf("%d, %d, %d different", len(tasks), len(memories), len(ages))
	}
	cfg = Config{MaxTasksPerChild: 99}
	for range 100 {
		if sp := cfg.draw(); sp.most != 99 || sp.memory != 0 || !sp.expires.IsZero() {
			t.Fatalf("%+v", sp)
		}
	}
}

func TestGrowth(t *testing.T) {
	var g growth
	for _, c := range []struct {
		tasks    int
		resident int64
		left     float64 // -1: not known
	}{
		{1, 0, -1}, {2, 100, -1}, {4, 100, -1}, {6, 140, 86}, {46, 600, 35.2}, {60, 1200, 0},
	} {
		g.add(c.tasks, c.resident)
		n, ok := g.left(c.tasks, 1000)
		if ok != (c.left >= 0) || ok && n != c.left {
			t.Errorf("%+v: %v, %v", c, n, ok)
		}
	}
	if _, ok := g.left(60, 0); ok {
		t.Error("known without a limit")
	}
}

// How long a worker stays follows from its tasks, its memory and its age,
// whichever is first; time alone brings the end nearer while it works, or ages.
func TestLeft(t *testing.T) {
	now := time.Now()
	grows := growth{tasks: 1, from: 100, now: 200} // over ten tasks: 10 each
	for name, c := range map[string]struct {
		stay
		outstanding int
		retiring    bool
		mean        float64
		want        time.Duration
		moves       bool
	}{
		"nothing":          {stay{answered: 11}, 1, false, 1, maxDelay, false},
		"tasks":            {stay{most: 20, answered: 11}, 0, false, 1, 9 * time.Second, false},
		"tasks at work":    {stay{most: 20, answered: 11, turn: now.Add(-time.Second)}, 2, false, 1, 8 * time.Second, true},
		"unknown":          {stay{most: 20, answered: 11}, 0, false, 0, maxDelay, false},
		"unknown and last": {stay{most: 2, answered: 1, turn: now}, 1, true, 0, 0, true},
		"memory":           {stay{memory: 300, answered: 11, growth: grows}, 0, false, 1, 10 * time.Second, false},
		"memory first":     {stay{most: 99, memory: 300, answered: 11, growth: grows}, 0, false, 1, 10 * time.Second, false},
		"tasks first":      {stay{most: 13, memory: 300, answered: 11, growth: grows}, 0, false, 1, 2 * time.Second, false},
		"age":              {stay{expires: now.Add(time.Minute)}, 0, false, 1, time.Minute, true},
		"age first":        {stay{most: 20, answered: 11, expires: now.Add(time.Second)}, 0, false, 1, time.Second, true},
		"over age":         {stay{answered: 11, expires: now.Add(-time.Second)}, 1, true, 1, -time.Second, true},
	} {
		b := newBench(t, 1, Config{Warms: true})
		w := b.workers[0]
		w.stay, w.outstanding, w.retiring, b.mean = c.stay, c.outstanding, c.retiring, c.mean
		if d, moves := b.left(w, now); d != c.want || moves != c.moves {
			t.Errorf("%s: %v, %v; want %v, %v", name, d, moves, c.want, c.moves)
		}
	}
}

// addHeir gives w an heir that is no process.
func (b *bench) addHeir(w *worker) *worker {
	h := b.addWorker()
	b.slots.free(h)
	h.freed, h.slot = false, w.slot
	h.elder, w.heir, w.tried = w, h, true
	return h
}

// Where there is no room for a task's process, heirs go first: the pool is as
// large as before, and has no heirs any more.
func TestNoRoomForHeirs(t *testing.T) {
	b := newBench(t, 2, Config{MaxTasksPerChild: 9, ChunkSize: 1, Warms: true})
	b.arrives(10)
	w, other := b.workers[0], b.workers[1]
	h := b.addHeir(other)
	b.handle(reported{w: w, noStart: &item{Task: task.Task{Seq: w.inflight[0].Seq}, s: b.stream}, why: "none"})
	if b.limit != 2 || b.shrunk || !b.noHeirs || !h.retiring || other.heir != nil || b.slots.used != 2 {
		t.Errorf("limit %d, noHeirs %v, retiring %v, slots %d", b.limit, b.noHeirs, h.retiring, b.slots.used)
	}
	other.ready, b.warmUp, b.waiting = true, time.Hour, false
	b.raiseHeirs(time.Now())
	if other.heir != nil {
		t.Error("another heir")
	}
}

// An heir gets nothing before its elder's slot is free, and then at once.
func TestHeirWaits(t *testing.T) {
	b := newBench(t, 1, Config{MaxTasksPerChild: 2, ChunkSize: 1, Warms: true})
	b.mean = 1
	w := b.workers[0]
	h := b.addHeir(w)
	b.arrives(5)
	b.answers(w, 1, time.Second)
	if w.outstanding != 1 || h.outstanding != 0 || !w.retiring || h.elder != w {
		t.Errorf("%d and %d outstanding, retiring %v", w.outstanding, h.outstanding, w.retiring)
	}
	b.answers(w, 1, time.Second)
	if w.outstanding != 0 || h.outstanding != 1 || b.slots.used != 1 || h.elder != nil {
		t.Errorf("%d and %d outstanding, %d slots", w.outstanding, h.outstanding, b.slots.used)
	}
}

// Heirs come for work that nobody there would do, and only for that.
func TestUnserved(t *testing.T) {
	b := newBench(t, 2, Config{MaxTasksPerChild: 5, ChunkSize: 1, Warms: true})
	b.stream.open = false
	b.streams = append(b.streams, b.stream)
	b.arrives(10)
	if b.unserved() {
		t.Error("ten tasks, five for each of two")
	}
	b.arrives(1)
	if !b.unserved() {
		t.Error("one more, and nobody for it")
	}
	b.addHeir(b.workers[0])
	if b.unserved() {
		t.Error("an heir for it")
	}
	b.stream.open = true
	if !b.unserved() {
		t.Error("there may be more")
	}
}

// While the machine is short of something nothing is started that can wait; nor
// where a terminal is the task's alone.
func TestNoHeirInNeed(t *testing.T) {
	b := newBench(t, 1, Config{MaxTasksPerChild: 1, MemoryFree: 1 << 60, Warms: true})
	if !b.crowded() || !b.p.cfg.heirs() {
		t.Errorf("crowded %v, heirs %v", b.crowded(), b.p.cfg.heirs())
	}
	b.most = 1
	if b.crowded() {
		t.Error("crowded with room for one")
	}
	b.workers[0].outstanding = 2
	if !b.crowded() {
		t.Error("not crowded although two run")
	}
	for _, cfg := range []Config{{MaxTasksPerChild: 1, Warms: true, Terminal: true}, {MaxTasksPerChild: 1}, {Warms: true}} {
		if cfg.heirs() {
			t.Errorf("heirs of %+v", cfg)
		}
	}
}
