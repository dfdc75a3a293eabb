package pool_test

import (
	"testing"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// learn has p run quick tasks, so that its workers get many at a time.
func learn(t *testing.T, p *pool.Pool) {
	t.Helper()
	quick := make([]string, 40)
	for i := range quick {
		quick[i] = "quick"
	}
	for _, r := range mapAll(t, p, quick...) {
		wantStatus(t, &r, task.OK)
	}
}

// No task waits behind a slow one while a worker is idle.
func TestRecall(t *testing.T) {
	for _, at := range []int{0, 1, 7, 39} {
		s := newStage(t)
		p := start(t, shell(`test "$1" = slow && {`+"\n"+s.hello+s.hold+"}\nexit 0"))
		learn(t, p)
		words := make([]string, 40)
		for i := range words {
			words[i] = "quick"
		}
		words[at] = "slow"
		it, err := p.ImapUnordered(source(40, words...))
		if err != nil {
			t.Fatal(err)
		}
		for range 39 {
			r, err := next(t, it)
			if err != nil {
				t.Fatal(err)
			}
			if wantStatus(t, &r, task.OK); r.Index == uint64(at) || r.Attempt != 1 {
				t.Errorf("task %d, attempt %d", r.Index, r.Attempt)
			}
		}
		s.await()
		s.release(1)
		if r, err := next(t, it); err != nil || r.Index != uint64(at) {
			t.Errorf("last: %d, %v", r.Index, err)
		}
	}
}

// Nor when tasks come one by one, each after the end of the one before.
func TestTrickle(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(`test "$1" = slow && {`+"\n"+s.hello+s.hold+"}\nexit 0"))
	learn(t, p)
	slow := applyAsync(t, p, "slow")
	s.await()
	for range 50 {
		r := apply(t, p, "quick")
		wantStatus(t, &r, task.OK)
	}
	s.release(1)
	get(t, slow)
}

// Nor when the worker that would take over has yet to be started: the others
// have retired.
func TestRecallForNewWorker(t *testing.T) {
	s := newStage(t)
	cfg := shell(`test "$1" = slow && {` + "\n" + s.hello + s.hold + "}\nexit 0")
	cfg.MaxTasksPerChild = 45
	p := start(t, cfg)
	learn(t, p)
	words := make([]string, 80)
	for i := range words {
		words[i] = "quick"
	}
	words[0] = "slow"
	it, err := p.ImapUnordered(source(80, words...))
	if err != nil {
		t.Fatal(err)
	}
	for range 79 {
		if _, err := next(t, it); err != nil {
			t.Fatal(err)
		}
	}
	s.release(1)
	if r, err := next(t, it); err != nil || r.Index != 0 {
		t.Errorf("last: %d, %v", r.Index, err)
	}
}

// A chunksize that was asked for stands: the tasks of a chunk wait for each
// other.
func TestNoRecallOfChunks(t *testing.T) {
	s := newStage(t)
	cfg := shell(`test "$1" = slow && {` + "\n" + s.hello + s.hold + "}\nexit 0")
	cfg.ChunkSize = 3
	p := start(t, cfg)
	it, err := p.ImapUnordered(source(9, "slow", "2", "3", "4", "5", "6", "7", "8", "9"))
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		r, err := next(t, it)
		if err != nil {
			t.Fatal(err)
		}
		if r.Index < 3 {
			t.Errorf("task %d did not wait", r.Index)
		}
	}
	s.release(1)
	all, _ := drain(t, it)
	if len(all) != 3 || all[0].Index != 0 || all[0].Worker != all[1].Worker || all[0].Worker != all[2].Worker {
		t.Errorf("%d results", len(all))
	}
}
