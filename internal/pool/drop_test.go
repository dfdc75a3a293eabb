package pool_test

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"mpx/internal/pool"
	"mpx/internal/task"
	"mpx/internal/worker"
)

// A standing pool is handed tasks one by one, each of which may be dropped.
type standing struct {
	*pool.Pool
	t      *testing.T
	door   *tap
	stream *pool.Stream
	had    map[string]task.Result // by the task's value
}

func stand(t *testing.T, cfg pool.Config) *standing {
	t.Helper()
	s := &standing{Pool: start(t, cfg), t: t, door: newTap(t), had: map[string]task.Result{}}
	var err error
	if s.stream, err = s.Stand(s.door); err != nil {
		t.Fatal(err)
	}
	return s
}

// hand hands in a task and returns its mark.
func (s *standing) hand(word string) *atomic.Bool {
	ts := tasks(word)
	ts[0].Unwanted = new(atomic.Bool)
	s.door.c <- ts
	return ts[0].Unwanted
}

// result waits for the result of a task.
func (s *standing) result(word string) task.Result {
	s.t.Helper()
	for {
		if r, ok := s.had[word]; ok {
			return r
		}
		var batch []task.Result
		var err error
		soon(s.t, "Next", func() { batch, err = s.stream.Next() })
		if err != nil {
			s.t.Fatalf("before the result of %s: %v", word, err)
		}
		for _, r := range batch {
			s.had[string(r.Values.At(0))] = r
		}
		s.stream.Release(len(batch))
	}
}

// want waits for the result of each of words.
func (s *standing) want(want task.Status, words ...string) {
	s.t.Helper()
	for _, word := range words {
		if r := s.result(word); r.Status != want {
			s.t.Errorf("%s is %v, not %v", word, r.Status, want)
		}
	}
}

// end closes the pool and waits for its end.
func (s *standing) end() {
	s.t.Helper()
	s.door.close()
	s.Close()
	join(s.t, s.Pool)
	if _, err := s.stream.Next(); err != io.EOF {
		s.t.Errorf("at the end: %v", err)
	}
}

// Who drops a task takes it back, unless it has begun.
func TestDrop(t *testing.T) {
	st := newStage(t)
	cfg := shell(st.hello + st.hold + `echo "$1"`)
	cfg.Jobs, cfg.ChunkSize = 1, 1
	p := stand(t, cfg)
	runs := p.hand("a")
	st.await()
	waits := p.hand("b")
	p.hand("c")
	eventually(t, "two tasks wait", func() bool { return p.Status().Waiting == 2 })
	s := p.Status()
	if len(s.Workers) != 1 || s.Workers[0].State != "busy" || s.Workers[0].Running == nil || s.Workers[0].Has != 1 || !s.All {
		t.Errorf("%+v", s)
	}
	p.Drop(runs)
	p.Drop(waits)
	p.want(task.Cancelled, "b")
	st.release(2)
	p.want(task.OK, "a", "c")
	p.end()
	if _, err := p.Stand(newTap(t)); !errors.Is(err, pool.ErrClosed) {
		t.Error(err)
	}
}

// Also one that a worker has and has not begun; what it had been handed after that begins
// in its turn.
func TestDropFromWorker(t *testing.T) {
	st := newStage(t)
	cfg := shell(st.hello + st.hold)
	cfg.Jobs, cfg.ChunkSize = 1, 5
	p := stand(t, cfg)
	p.hand("first")
	st.await()
	marks := map[string]*atomic.Bool{}
	for _, word := range []string{"runs", "b", "c", "d", "e", "f"} {
		marks[word] = p.hand(word)
	}
	eventually(t, "six wait", func() bool { return p.Status().Waiting == 6 })
	st.release(1)
	p.want(task.OK, "first")
	st.await()
	if s := p.Status(); s.Workers[0].Has != 5 || s.Waiting != 1 {
		t.Fatalf("%+v", s)
	}
	for _, word := range []string{"runs", "c", "e"} {
		p.Drop(marks[word])
	}
	p.want(task.Cancelled, "c", "e")
	if s := p.Status(); s.Waiting+s.Workers[0].Has != 4 {
		t.Errorf("%+v", s)
	}
	st.release(4)
	for _, seq := range []int{3, 5, 7} {
		if a := st.await(); a.seq != seq {
			t.Errorf("task %d runs, not %d", a.seq, seq)
		}
	}
	p.want(task.OK, "runs", "b", "d", "f")
	p.end()
}

// Also while the worker's initializer runs; who then has nothing to do gets the next task.
func TestDropEarly(t *testing.T) {
	st := newStage(t)
	cfg := shell("true")
	cfg.Initializer = []string{"sh", "-c", st.hold}
	cfg.Jobs, cfg.ChunkSize = 1, 3
	p := stand(t, cfg)
	a, b := p.hand("a"), p.hand("b")
	p.hand("c")
	p.Drop(a)
	p.Drop(b)
	p.want(task.Cancelled, "a", "b")
	st.release(1)
	p.want(task.OK, "c")
	p.end()
}

// A filter that has read a record cannot give it back: it answers that, and the others
// are not kept from it.
func TestDropFromFilter(t *testing.T) {
	st := newStage(t)
	script := "while read -r record; do " + st.hello + st.hold + `echo "$record"; done`
	cfg := pool.Config{
		Function: "filter", Args: worker.Filter{Command: task.Spec{Words: []string{"sh", "-c", script}}, Inflight: 2},
		Jobs: 1, ChunkSize: 4, Delim: '\n', Grace: patience,
	}
	p := stand(t, cfg)
	p.hand("first")
	st.line()
	marks := map[string]*atomic.Bool{}
	for _, word := range []string{"a", "b", "c", "d", "e"} {
		marks[word] = p.hand(word)
	}
	eventually(t, "five wait", func() bool { return p.Status().Waiting == 5 })
	st.release(1)
	st.line()
	for _, word := range []string{"a", "d"} {
		p.Drop(marks[word])
	}
	p.want(task.Cancelled, "d")
	st.release(4)
	p.want(task.OK, "first", "a", "b", "c", "e")
	p.end()
}

// What is dropped is not tried again.
func TestDropNoRetry(t *testing.T) {
	st := newStage(t)
	cfg := shell(st.hello + st.hold + "exit 1")
	cfg.Jobs, cfg.Retries = 1, 3
	p := stand(t, cfg)
	a := p.hand("a")
	st.await()
	p.Drop(a)
	st.release(1)
	if r := p.result("a"); r.Attempt != 1 || r.Again {
		t.Errorf("it was tried again: %+v", r)
	}
	p.end()
}

// Not even if its worker dies.
func TestDropLost(t *testing.T) {
	st := newStage(t)
	cfg := shell(st.hello + st.hold)
	cfg.Jobs, cfg.RetryLost = 1, 3
	p := stand(t, cfg)
	a := p.hand("a")
	who := st.await()
	p.Drop(a)
	kill(t, who.worker)
	p.want(task.Lost, "a")
	p.end()
}
