package pool_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// test_terminate, F11: 10,000 tasks are queued, some run; Terminate ends all of
// it at once, and every result comes.
func TestTerminate(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+"exec sleep 100"))
	a := mapAsync(t, p, numbers(10_000)...)
	b, c := s.await(), s.await()
	p.Terminate()
	join(t, p) // it comes long before the tasks would end
	wantCancelled(t, a, 10_000)
	wantGone(t, b.pid, c.pid, b.worker, c.worker)
}

// wantCancelled expects n results, all there by now and Cancelled.
func wantCancelled(t *testing.T, a *pool.AsyncResult, n int) {
	t.Helper()
	r, err := a.Get(patience)
	if !errors.Is(err, pool.ErrTerminated) {
		t.Errorf("Get: %v, want ErrTerminated", err)
	}
	if len(r) != n {
		t.Fatalf("%d results, want %d", len(r), n)
	}
	for i := range r {
		if r[i].Status != task.Cancelled || r[i].Index != uint64(i) {
			t.Fatalf("result %d: index %d, %s", i, r[i].Index, r[i].Status)
		}
	}
	if ok, err := a.Successful(); ok || err != nil {
		t.Errorf("successful %v, %v", ok, err)
	}
}

// Whenever Terminate comes, no result is missing or looks as if it had run.
func TestTerminateAtOnce(t *testing.T) {
	for range 100 {
		p := start(t, shell("exec sleep 100"))
		a := mapAsync(t, p, "1", "2", "3")
		p.Terminate()
		join(t, p)
		wantCancelled(t, a, 3)
	}
}

func TestTerminateIdle(t *testing.T) {
	p := start(t, doubles())
	a := mapAsync(t, p, numbers(10)...)
	get(t, a)
	p.Terminate()
	p.Terminate()
	join(t, p)
	p.Terminate()
	wantDoubles(t, get(t, a), 10) // what had come stays
}

func TestTerminateTwice(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+s.hold))
	a := mapAsync(t, p, numbers(5)...)
	s.await()
	p.Terminate()
	p.Terminate()
	join(t, p)
	wantCancelled(t, a, 5)
}

// After Close, too.
func TestTerminateClosed(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+s.hold))
	a := mapAsync(t, p, numbers(5)...)
	p.Close()
	s.await()
	p.Terminate()
	join(t, p)
	wantCancelled(t, a, 5)
}

func TestTerminateFromCallback(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(`test "$1" = first || { `+s.hello+s.hold+"}"))
	rest := mapAsync(t, p, "2", "3")
	s.await()
	s.await()
	s.release(1)
	a, err := p.ApplyAsync(list("first"), func([]task.Result) { p.Terminate() })
	if err != nil {
		t.Fatal(err)
	}
	get(t, a)
	join(t, p)
	if _, err := rest.Get(patience); !errors.Is(err, pool.ErrTerminated) {
		t.Error(err)
	}
}

// From the callbacks of Config, too, of which some are the scheduler's.
func TestTerminateFromStarting(t *testing.T) {
	var p *pool.Pool
	ready := make(chan struct{})
	cfg := shell("exec sleep 100")
	cfg.Jobs = 8
	cfg.Starting = func(*task.Task, int) {
		<-ready
		p.Terminate()
	}
	p = start(t, cfg)
	a := mapAsync(t, p, numbers(200)...)
	close(ready)
	wantCancelled(t, a, 200)
	join(t, p)
}

// Live's error is the end of the pool and the error that everybody gets.
func TestLiveFails(t *testing.T) {
	cfg := shell("echo x; exec sleep 100")
	cfg.Live = func(*task.Task, int, bool, []byte) error { return errSource }
	p := start(t, cfg)
	a := mapAsync(t, p, "1", "2", "3")
	if _, err := a.Get(patience); !errors.Is(err, errSource) {
		t.Errorf("Get: %v", err)
	}
	if err := p.Join(); !errors.Is(err, errSource) {
		t.Errorf("Join: %v", err)
	}
}

// The first Stop asks; a task may take its time. The second does not ask.
func TestStopTwice(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(`trap 'echo 1 1 1 1 >`+s.path()+`' TERM
`+s.hello+"while :; do sleep 0.01; done"))
	a := applyAsync(t, p)
	b := s.await()
	p.Stop(syscall.SIGTERM, time.Hour)
	s.await() // it has heard, and goes on
	if a.Ready() || !lives(b.pid) {
		t.Error("the task is gone")
	}
	p.Stop(syscall.SIGKILL, 0)
	join(t, p)
	r, _ := a.Get(patience)
	if wantStatus(t, &r[0], task.Cancelled); r[0].Signal != 9 {
		t.Errorf("signal %d", r[0].Signal)
	}
	wantGone(t, b.pid)
}

// A second Stop can shorten the grace, not lengthen it.
func TestStopHarder(t *testing.T) {
	s := newStage(t)
	p := start(t, shell("trap '' TERM\n"+s.hello+"while :; do sleep 0.01; done"))
	a := applyAsync(t, p)
	s.await()
	p.Stop(syscall.SIGTERM, 50*time.Millisecond)
	p.Stop(syscall.SIGTERM, time.Hour)
	join(t, p)
	r, _ := a.Get(patience)
	wantStatus(t, &r[0], task.Cancelled)
}

// A task that ends well when it is told to end has been cancelled all the same;
// its output until then is there.
func TestStoppedTaskEndsWell(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(`trap 'echo bye; exit 0' INT
`+s.hello+"while :; do sleep 0.01; done"))
	a := applyAsync(t, p)
	s.await()
	p.Stop(syscall.SIGINT, patience)
	join(t, p)
	r, _ := a.Get(patience)
	if wantStatus(t, &r[0], task.Cancelled); r[0].Exit != 0 || stdout(t, &r[0]) != "bye\n" {
		t.Errorf("exit %d, stdout %q", r[0].Exit, stdout(t, &r[0]))
	}
}

// A computation ends with its worker.
func TestTerminateCompute(t *testing.T) {
	p := start(t, endlessDigest(t))
	a := mapAsync(t, p, "sparse", "sparse", "sparse")
	eventually(t, "a worker", func() bool { return len(workers()) > 0 })
	p.Terminate()
	join(t, p)
	wantCancelled(t, a, 3)
	if left := workers(); len(left) > 0 && slices.ContainsFunc(left, lives) {
		t.Errorf("workers %v", left)
	}
}
