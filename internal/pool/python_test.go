package pool_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// The tests of CPython's _test_multiprocessing.py that have a meaning here.

func TestApply(t *testing.T) {
	p := start(t, doubles())
	v := list("21")
	r, err := p.Apply(v)
	if err != nil || stdout(t, &r) != "42\n" || r.Status != task.OK || r.Seq != 1 || r.Attempt != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if r.Worker == 0 || r.Slot == 0 || r.Start.IsZero() {
		t.Errorf("worker %d, slot %d, start %v", r.Worker, r.Slot, r.Start)
	}
}

func TestMapChunksize(t *testing.T) {
	for _, size := range []int{0, 1, 20, 1000} {
		cfg := doubles()
		cfg.ChunkSize = size
		p := start(t, cfg)
		wantDoubles(t, mapAll(t, p, numbers(100)...), 100)
		p.Close()
		join(t, p)
	}
}

// A chunk stays together on one worker.
func TestChunkIsOneWorkers(t *testing.T) {
	cfg := doubles()
	cfg.ChunkSize = 20
	p := start(t, cfg)
	results := mapAll(t, p, numbers(100)...)
	for i, r := range results {
		if first := results[i/20*20].Worker; r.Worker != first {
			t.Errorf("task %d ran on worker %d, its chunk's first on %d", i, r.Worker, first)
		}
	}
}

// Results are in order although tasks end in the reverse order: each waits for
// the one after it.
func TestMapOrder(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold + `echo "$1"`)
	cfg.Jobs = 3
	p := start(t, cfg)
	a := mapAsync(t, p, "a", "b", "c")
	for range 3 {
		s.await()
	}
	s.release(3)
	got := ""
	for _, r := range get(t, a) {
		got += stdout(t, &r)
	}
	if got != "a\nb\nc\n" {
		t.Errorf("got %q", got)
	}
}

func TestMapOfNothing(t *testing.T) { // test_map_chunksize: it must not stall
	p := start(t, doubles())
	if r := mapAll(t, p); len(r) != 0 {
		t.Errorf("%d results", len(r))
	}
	it, err := p.Imap(source(1))
	if err != nil {
		t.Fatal(err)
	}
	if all, err := drain(t, it); len(all) != 0 || err != io.EOF {
		t.Errorf("%d results, %v", len(all), err)
	}
	if len(workers()) != 0 {
		t.Error("a worker was started for nothing")
	}
}

func TestMapNoFailfast(t *testing.T) {
	for _, size := range []int{0, 1, 5} {
		cfg := doubles()
		cfg.ChunkSize = size
		p := start(t, cfg)
		words := numbers(20)
		words[3], words[17] = "x", "y"
		for i, r := range mapAll(t, p, words...) {
			switch {
			case i != 3 && i != 17:
				wantDouble(t, &r, i)
			case r.Status != task.Failed || r.Exit != 1 || !strings.Contains(stderr(t, &r), "not an integer"):
				t.Errorf("task %d: %s, exit %d, stderr %q", i, r.Status, r.Exit, stderr(t, &r))
			}
		}
	}
}

func TestImap(t *testing.T) {
	cfg := doubles()
	cfg.ChunkSize = 100
	p := start(t, cfg)
	it, err := p.Imap(source(7, numbers(1000)...))
	if err != nil {
		t.Fatal(err)
	}
	all, err := drain(t, it)
	wantDoubles(t, all, 1000)
	for range 2 { // StopIteration, again and again
		if err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
		_, err = next(t, it)
	}
}

func TestImapUnordered(t *testing.T) {
	p := start(t, doubles())
	it, err := p.ImapUnordered(source(100, numbers(1000)...))
	if err != nil {
		t.Fatal(err)
	}
	all, err := drain(t, it)
	if err != io.EOF {
		t.Error(err)
	}
	slices.SortFunc(all, func(a, b task.Result) int { return int(a.Index) - int(b.Index) })
	wantDoubles(t, all, 1000)
}

// The order of imap_unordered is that of the tasks' ends.
func TestImapUnorderedIsOfEnds(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+`test "$1" = late && `+s.hold+"exit 0"))
	it, err := p.ImapUnordered(source(1, "late", "1", "2", "3"))
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for i := range 4 {
		if i == 3 {
			s.release(1)
		}
		r, err := next(t, it)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Index)
	}
	if got[3] != 0 {
		t.Errorf("order %v, want 0 last", got)
	}
}

func TestAsyncTimeout(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+s.hold))
	a := applyAsync(t, p)
	s.await()
	if _, err := a.Get(time.Millisecond); !errors.Is(err, pool.ErrTimeout) {
		t.Errorf("Get: %v, want ErrTimeout", err)
	}
	a.Wait(0)
	if _, err := a.Successful(); a.Ready() || !errors.Is(err, pool.ErrNotReady) {
		t.Errorf("ready %v, successful %v", a.Ready(), err)
	}
	s.release(1)
	get(t, a)
	if ok, err := a.Successful(); !a.Ready() || !ok || err != nil {
		t.Errorf("ready %v, successful %v, %v", a.Ready(), ok, err)
	}
}

func TestUnsuccessful(t *testing.T) {
	p := start(t, doubles())
	a := mapAsync(t, p, "1", "x", "2")
	get(t, a)
	if ok, err := a.Successful(); ok || err != nil {
		t.Errorf("successful %v, %v", ok, err)
	}
}

func TestCallback(t *testing.T) {
	p := start(t, doubles())
	var got []task.Result
	var before atomic.Bool
	var a *pool.AsyncResult
	ready := make(chan struct{})
	a, err := p.MapAsync(each(numbers(10)...), func(r []task.Result) {
		<-ready
		got = r
		before.Store(!a.Ready())
	})
	close(ready)
	if err != nil {
		t.Fatal(err)
	}
	get(t, a)
	wantDoubles(t, got, 10)
	if !before.Load() {
		t.Error("the callback ran after the result was ready")
	}
}

// F15: a callback that panics is neither the pool's end nor a Get that hangs.
func TestCallbackPanics(t *testing.T) {
	p := start(t, doubles())
	a, err := p.ApplyAsync(list("1"), func([]task.Result) { panic("oh dear") })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Get(patience); err == nil || !strings.Contains(err.Error(), "oh dear") {
		t.Errorf("Get: %v", err)
	}
	if ok, err := a.Successful(); ok || err != nil {
		t.Errorf("successful %v, %v", ok, err)
	}
	r := apply(t, p, "21")
	if stdout(t, &r) != "42\n" {
		t.Error("the pool does not go on")
	}
}

func TestUseAfterClose(t *testing.T) {
	for _, end := range []func(*pool.Pool){(*pool.Pool).Close, (*pool.Pool).Terminate} {
		p := start(t, doubles())
		apply(t, p, "1")
		end(p)
		_, err1 := p.Apply(list("1"))
		_, err2 := p.Map(each("1"))
		_, err3 := p.Imap(source(1, "1"))
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, pool.ErrClosed) {
				t.Errorf("%v, want ErrClosed", err)
			}
		}
		join(t, p)
		p.Close() // again, and after the end
		p.Terminate()
		p.Pause()
		p.Resume()
		join(t, p)
	}
}

func TestJoinBeforeClose(t *testing.T) {
	p := start(t, doubles())
	if err := p.Join(); !errors.Is(err, pool.ErrRunning) {
		t.Errorf("Join: %v, want ErrRunning", err)
	}
}

// test_pool_worker_lifetime_early_close: what was handed in is completed.
func TestEarlyClose(t *testing.T) {
	cfg := doubles()
	cfg.MaxTasksPerChild, cfg.ChunkSize = 1, 1
	p := start(t, cfg)
	a := mapAsync(t, p, numbers(6)...)
	p.Close()
	join(t, p)
	wantDoubles(t, get(t, a), 6)
}

// Work that Stream has accepted is completed, whenever Close comes.
func TestCloseWhileOpening(t *testing.T) {
	for range 300 {
		p := start(t, doubles())
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			p.Close()
		}()
		it, err := p.Imap(source(1))
		if err == nil {
			_, err = drain(t, it)
		}
		if err != io.EOF && !errors.Is(err, pool.ErrClosed) {
			t.Fatal(err)
		}
		<-closed
		join(t, p)
	}
}

func TestInvalidConfigs(t *testing.T) {
	for want, change := range map[string]func(*pool.Config){
		"number of workers": func(c *pool.Config) { c.Jobs = -1 },
		"chunksize":         func(c *pool.Config) { c.ChunkSize = -1 },
		"maxtasksperchild":  func(c *pool.Config) { c.MaxTasksPerChild = -1 },
		"function":          func(c *pool.Config) { c.Function = "" },
		"configuration":     func(c *pool.Config) { c.Args = make(chan int) },
	} {
		cfg := doubles()
		change(&cfg)
		if _, err := pool.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// test_imap_handle_iterable_exception: an error of the source comes after
// exactly the results of what it had yielded.
func TestSourceError(t *testing.T) {
	for _, k := range []int{0, 1, 3, 6} {
		for _, size := range []int{1, 2, 4} {
			for _, imap := range []func(*pool.Pool, pool.Source) (*pool.Iterator, error){(*pool.Pool).Imap, (*pool.Pool).ImapUnordered} {
				cfg := doubles()
				cfg.ChunkSize = size
				p := start(t, cfg)
				src := source(1, numbers(k)...)
				src.err = errSource
				it, err := imap(p, src)
				if err != nil {
					t.Fatal(err)
				}
				all, err := drain(t, it)
				if len(all) != k || !errors.Is(err, errSource) {
					t.Errorf("k %d, chunksize %d: %d results, %v", k, size, len(all), err)
				}
				r := apply(t, p, "21") // the pool goes on
				wantStatus(t, &r, task.OK)
				p.Close()
				join(t, p)
			}
		}
	}
}

// test_large_pool: 64 tasks run at once, each in a worker and a slot of its own.
func TestLargePool(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold + `echo "$MPX_SLOT $MPX_JOBS $MPX_WORKER"`)
	cfg.Jobs = 64
	p := start(t, cfg)
	a := mapAsync(t, p, numbers(64)...)
	for range 64 {
		s.await()
	}
	s.release(64)
	slots, numbers := map[int]bool{}, map[int]bool{}
	for _, r := range get(t, a) {
		slots[r.Slot], numbers[r.Worker] = true, true
		if got := stdout(t, &r); got != fmt.Sprintf("%d 64 mpx-worker-%d\n", r.Slot, r.Worker) {
			t.Errorf("slot %d, worker %d: %q", r.Slot, r.Worker, got)
		}
		if r.Slot < 1 || r.Slot > 64 {
			t.Errorf("slot %d", r.Slot)
		}
	}
	if len(slots) != 64 || len(numbers) != 64 {
		t.Errorf("%d slots, %d workers", len(slots), len(numbers))
	}
}

// Jobs 0: as many workers as tasks.
func TestUnboundedJobs(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold)
	cfg.Jobs = 0
	p := start(t, cfg)
	a := mapAsync(t, p, numbers(20)...)
	for range 20 {
		s.await()
	}
	s.release(20)
	get(t, a)
}

// A source that waits keeps nothing: not the results of what it has yielded,
// not other work, not the pool's end.
func TestSourceThatBlocks(t *testing.T) {
	p := start(t, doubles())
	src := newTap(t)
	it, err := p.Imap(src)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		src.c <- tasks(fmt.Sprint(i))
		r, err := next(t, it)
		if err != nil {
			t.Fatal(err)
		}
		wantDouble(t, &r, i)
	}
	r := apply(t, p, "21")
	wantStatus(t, &r, task.OK)
	p.Terminate()
	if _, err := next(t, it); !errors.Is(err, pool.ErrTerminated) {
		t.Errorf("Next after Terminate: %v", err)
	}
	join(t, p)
}

func TestIteratorReady(t *testing.T) {
	for _, imap := range []func(*pool.Pool, pool.Source) (*pool.Iterator, error){(*pool.Pool).Imap, (*pool.Pool).ImapUnordered} {
		p := start(t, doubles())
		src := newTap(t)
		it, err := imap(p, src)
		if err != nil {
			t.Fatal(err)
		}
		if it.Ready() {
			t.Error("ready before anything ran")
		}
		src.close()
		eventually(t, "Ready at the end", it.Ready)
		if _, err := next(t, it); err != io.EOF {
			t.Error(err)
		}
	}
}

// F9: the window bounds what is read ahead, however slow the consumer; and
// everything that waits on it wakes up at the end.
func TestWindow(t *testing.T) {
	for _, imap := range []func(*pool.Pool, pool.Source) (*pool.Iterator, error){(*pool.Pool).Imap, (*pool.Pool).ImapUnordered} {
		cfg := doubles()
		cfg.Window = 100
		p := start(t, cfg)
		src := &endless{}
		it, err := imap(p, src)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, err := next(t, it); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "110 tasks read", func() bool { return src.calls.Load() >= 110 })
		p.Terminate()
		join(t, p)
		if _, err := drain(t, it); !errors.Is(err, pool.ErrTerminated) {
			t.Error(err)
		}
		if n := src.calls.Load(); n != 110 {
			t.Errorf("10 results taken, window 100: %d tasks read", n)
		}
	}
}

// endless yields one task after another.
type endless struct{ calls atomic.Int64 }

func (e *endless) Next() ([]task.Task, error) {
	e.calls.Add(1)
	return tasks("1"), nil
}

// The window holds for bytes, too; but two tasks for each worker are read,
// however large they are.
func TestWindowOfBytes(t *testing.T) {
	for size, want := range map[int]int64{1 << 20: 4, 8 << 20: 4, 512 << 10: 8} {
		s := newStage(t)
		p := start(t, shell(s.hello+s.hold))
		src := &endlessData{data: make([]byte, size)}
		it, err := p.ImapUnordered(src)
		if err != nil {
			t.Fatal(err)
		}
		s.await()
		s.await()
		s.release(1)
		if _, err := next(t, it); err != nil {
			t.Fatal(err)
		}
		s.await() // the third
		eventually(t, "one more read", func() bool { return src.calls.Load() >= want+1 })
		p.Terminate()
		join(t, p)
		if n := src.calls.Load(); n > want+1 {
			t.Errorf("%d tasks of %d bytes read, one done; want %d", n, size, want+1)
		}
	}
}

type endlessData struct {
	calls atomic.Int64
	data  []byte
}

func (e *endlessData) Next() ([]task.Task, error) {
	e.calls.Add(1)
	return []task.Task{{FromStdin: true, Stdin: e.data}}, nil
}
