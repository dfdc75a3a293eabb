package pool_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// The failures F1 to F3 and F10 to F16 of CPython's design that a killed worker
// brings about.

// F2: an idle worker that is killed takes nothing with it.
func TestIdleWorkerKilled(t *testing.T) {
	cfg := doubles()
	cfg.ChunkSize = 1
	p := start(t, cfg)
	for range 3 {
		wantDoubles(t, mapAll(t, p, numbers(20)...), 20)
		idle := workers()
		if len(idle) == 0 {
			t.Fatal("no worker is left")
		}
		for _, pid := range idle {
			kill(t, pid)
		}
		for _, r := range mapAll(t, p, numbers(20)...) {
			if r.Attempt != 1 || r.Status != task.OK {
				t.Errorf("task %d: attempt %d, %s", r.Seq, r.Attempt, r.Status)
			}
		}
	}
	p.Close()
	join(t, p)
}

// F1: the task that a worker was running when it was killed is lost, and says
// so; no other is.
func TestWorkerKilledMidTask(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+`echo so far; test "$1" = x && `+s.hold+`echo "$1"`))
	a := mapAsync(t, p, "a", "x", "b", "c")
	var victim actor
	for range 4 {
		if b := s.await(); b.seq == 2 {
			victim = b
			kill(t, b.worker)
		}
	}
	for i, r := range get(t, a) {
		if i != 1 {
			wantStatus(t, &r, task.OK)
			continue
		}
		wantStatus(t, &r, task.Lost)
		want := fmt.Sprintf("worker mpx-worker-%d (pid %d) was killed by signal 9 (killed) while it ran task 2", r.Worker, victim.worker)
		if r.Note != want || r.Signal != 9 || r.Worker == 0 || r.Slot == 0 || r.Elapsed <= 0 || r.Attempt != 1 {
			t.Errorf("%+v\nnote %q, want %q", r, r.Note, want)
		}
		wantGone(t, victim.pid)
	}
	r := apply(t, p, "d")
	wantStatus(t, &r, task.OK)
}

// With RetryLost the task runs again, and knows it; what the first attempt
// wrote is forgotten.
func TestLostRunsAgain(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + "echo attempt $MPX_ATTEMPT\n" + `test $MPX_ATTEMPT = 3 || ` + s.hold)
	cfg.RetryLost = 2
	var told notices
	cfg.Notice = told.add
	p := start(t, cfg)
	a := applyAsync(t, p)
	seen := map[int]bool{}
	for i := 1; i <= 3; i++ {
		b := s.await()
		if b.seq != 1 || b.attempt != i || seen[b.worker] {
			t.Errorf("attempt %d: %+v", i, b)
		}
		seen[b.worker] = true
		if i < 3 {
			kill(t, b.worker)
		}
	}
	r := get(t, a)[0]
	wantStatus(t, &r, task.OK)
	if r.Attempt != 3 || stdout(t, &r) != "attempt 3\n" {
		t.Errorf("attempt %d, stdout %q", r.Attempt, stdout(t, &r))
	}
	if n := told.list(); len(n) != 2 || !strings.Contains(n[0], "runs again (attempt 2)") {
		t.Errorf("notices %q", n)
	}
}

func TestLostTooOften(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold)
	cfg.RetryLost = 1
	p := start(t, cfg)
	a := applyAsync(t, p)
	for range 2 {
		kill(t, s.await().worker)
	}
	r := get(t, a)[0]
	wantStatus(t, &r, task.Lost)
	if r.Attempt != 2 {
		t.Errorf("attempt %d", r.Attempt)
	}
}

// F24: of a chunk whose worker is killed only the running task is touched.
func TestChunkOfKilledWorker(t *testing.T) {
	for _, retry := range []int{0, 1} {
		s := newStage(t)
		cfg := shell(`test "$1" = 4 && test $MPX_ATTEMPT = 1 && { ` + s.hello + s.hold + `}; echo "$1"`)
		cfg.Jobs, cfg.ChunkSize, cfg.RetryLost = 1, 10, retry
		p := start(t, cfg)
		a := mapAsync(t, p, numbers(10)...)
		kill(t, s.await().worker)
		for i, r := range get(t, a) {
			status, attempt, worker := task.OK, 1, 1
			if i == 4 {
				attempt += retry
				if retry == 0 {
					status = task.Lost
				}
			}
			if i > 4 || i == 4 && retry == 1 {
				worker = 2
			}
			wantStatus(t, &r, status)
			if int(r.Attempt) != attempt || r.Worker != worker {
				t.Errorf("task %d: attempt %d of worker %d, want %d of %d", i, r.Attempt, r.Worker, attempt, worker)
			}
		}
	}
}

// What a worker has committed survives it even where it could not write it: a
// supervisor that is held up leaves the pipe full and the rest in the outbox.
func TestUnwrittenResultsSurvive(t *testing.T) {
	s := newStage(t)
	held := make(chan struct{})
	var sums [8]uint32
	cfg := shell(`test "$1" = 7 && { ` + s.hello + s.hold + `}; head -c 30000 /dev/zero | tr '\0' "$1"`)
	cfg.Jobs, cfg.ChunkSize = 1, 10
	cfg.Live = func(t *task.Task, _ int, _ bool, p []byte) error {
		<-held
		sums[t.Index] = crc32.Update(sums[t.Index], crc32.IEEETable, p)
		return nil
	}
	p := start(t, cfg)
	a := mapAsync(t, p, numbers(8)...)
	kill(t, s.await().worker)
	close(held)
	for i, r := range get(t, a)[:7] {
		wantStatus(t, &r, task.OK)
		want := crc32.ChecksumIEEE([]byte(strings.Repeat(fmt.Sprint(i), 30000)))
		if r.Worker != 1 || r.Attempt != 1 || sums[i] != want {
			t.Errorf("task %d: worker %d, attempt %d, sum %x, want %x", i, r.Worker, r.Attempt, sums[i], want)
		}
	}
	last := get(t, a)[7]
	wantStatus(t, &last, task.Lost)
}

// F3: a worker killed in the midst of a frame costs that frame.
func TestKilledMidFrame(t *testing.T) {
	var enough atomic.Int64
	var got atomic.Int64
	full := make(chan struct{}, 1)
	s := newStage(t)
	cfg := shell(`test "$1" = yes || exit 0
` + s.hello + "exec yes")
	cfg.Live = func(_ *task.Task, _ int, _ bool, p []byte) error {
		if got.Add(int64(len(p))) >= enough.Load() {
			select {
			case full <- struct{}{}:
			default:
			}
		}
		return nil
	}
	p := start(t, cfg)
	for i := range 20 {
		got.Store(0)
		enough.Store(int64(i) * 37_123)
		select {
		case <-full:
		default:
		}
		a := mapAsync(t, p, "yes", "no")
		b := s.await()
		<-full
		kill(t, b.worker)
		r := get(t, a)
		wantStatus(t, &r[0], task.Lost)
		wantStatus(t, &r[1], task.OK)
		wantGone(t, b.pid)
	}
}

// F16: a worker that has been told to retire is killed in its last task.
func TestKilledDuringRetirement(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + `test $MPX_ATTEMPT = 2 || ` + s.hold)
	cfg.MaxTasksPerChild, cfg.RetryLost, cfg.Jobs = 1, 1, 3
	p := start(t, cfg)
	a := mapAsync(t, p, numbers(9)...)
	for range 18 {
		if b := s.await(); b.attempt == 1 {
			kill(t, b.worker)
		}
	}
	for _, r := range get(t, a) {
		wantStatus(t, &r, task.OK)
		if r.Attempt != 2 {
			t.Errorf("task %d: attempt %d", r.Seq, r.Attempt)
		}
	}
	p.Close()
	join(t, p)
}

// Killed while the pool closes: the pool ends, and only what ran is lost.
func TestKilledDuringClose(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+s.hold))
	a := mapAsync(t, p, "1", "2", "3")
	p.Close()
	victim := s.await()
	s.await()
	kill(t, victim.worker)
	s.await() // 3 runs all the same
	s.release(2)
	join(t, p)
	for _, r := range get(t, a) {
		if want := task.OK; int(r.Seq) != victim.seq {
			wantStatus(t, &r, want)
		} else {
			wantStatus(t, &r, task.Lost)
		}
	}
}

// Killed while it waits for its task to heed TERM: nothing of it is left when
// the pool has ended.
func TestKilledDuringTerminate(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(`trap "" TERM
`+s.hello+s.hold))
	a := mapAsync(t, p, "1", "2")
	b, c := s.await(), s.await()
	p.Terminate()
	kill(t, b.worker)
	kill(t, c.worker)
	join(t, p)
	r, _ := a.Get(patience)
	for i := range r {
		if r[i].Status != task.Lost && r[i].Status != task.Cancelled {
			wantStatus(t, &r[i], task.Lost)
		}
	}
	wantGone(t, b.pid, c.pid)
}

// Killed before it has said HELLO: another takes its tasks.
func TestKilledWhileStarting(t *testing.T) {
	path, _ := fifo(t, "hold")
	cfg := doubles()
	cfg.Jobs = 1
	p := start(t, cfg)
	t.Setenv(holdEnv, path)
	a := mapAsync(t, p, numbers(5)...)
	eventually(t, "a worker", func() bool { return len(workers()) == 1 })
	os.Unsetenv(holdEnv)
	kill(t, workers()[0])
	results := get(t, a)
	wantDoubles(t, results, 5)
	for _, r := range results {
		if r.Attempt != 1 || r.Worker != 2 {
			t.Errorf("task %d: attempt %d of worker %d", r.Seq, r.Attempt, r.Worker)
		}
	}
}

// The end of the ladder: workers that do not even hear STOP are killed, those
// that have not come to life and those that are stopped, with their tasks.
func TestOverdueWorkers(t *testing.T) {
	s := newStage(t)
	path, _ := fifo(t, "hold")
	p := start(t, shell(s.hello+s.hold))
	a := applyAsync(t, p)
	b := s.await()
	if err := syscall.Kill(b.worker, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Setenv(holdEnv, path)
	c := applyAsync(t, p)
	eventually(t, "a second worker", func() bool { return len(workers()) == 2 })
	p.Stop(syscall.SIGKILL, 0)
	p.Overdue()
	join(t, p)
	r, err := a.Get(patience)
	if !errors.Is(err, pool.ErrTerminated) {
		t.Error(err)
	}
	wantStatus(t, &r[0], task.Lost)
	r, _ = c.Get(patience)
	wantStatus(t, &r[0], task.Cancelled)
	wantGone(t, b.pid, b.worker)
}

// Workers that die as soon as they are started end the pool, and say how.
func TestNoWorkerStarts(t *testing.T) {
	for _, jobs := range []int{1, 8} {
		cfg := doubles()
		cfg.Jobs = jobs
		var told notices
		cfg.Notice = told.add
		p := start(t, cfg)
		t.Setenv(dieEnv, "1")
		wantFailure(t, p, "no worker can be started: left with status 3")
		os.Unsetenv(dieEnv)
		if n := told.list(); len(n) > 1 {
			t.Errorf("notices %q", n)
		}
	}
}

// Workers that cannot do what they are told are not replaced for ever.
func TestWorkersGiveUp(t *testing.T) {
	for want, cfg := range map[string]pool.Config{
		`no function named "nosuch"`: {Function: "nosuch", Jobs: 1},
		"no algorithm named":         {Function: "digest", Args: map[string]string{"algorithm": "rot13"}, Jobs: 4},
		"read the command":           {Function: "exec", Args: 1, Jobs: 2},
	} {
		wantFailure(t, start(t, cfg), want)
	}
}

// wantFailure hands p work, which is to end with the error want and no result
// but Cancelled.
func wantFailure(t *testing.T, p *pool.Pool, want string) {
	t.Helper()
	it, err := p.Imap(source(3, numbers(9)...))
	if err != nil {
		t.Fatal(err)
	}
	all, err := drain(t, it)
	for i := range all {
		wantStatus(t, &all[i], task.Cancelled)
	}
	if err == nil || err == io.EOF || !strings.Contains(err.Error(), want) {
		t.Errorf("Next: %v, want %q", err, want)
	}
	soon(t, "Join", func() { err = p.Join() })
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Join: %v, want %q", err, want)
	}
}

// F12: the orphans of a killed worker's task are ended before it counts as
// lost, those with a session of their own and without their environment too.
func TestOrphansOfKilledWorker(t *testing.T) {
	pool.NothingLeft() // by tests before this one
	for _, wrap := range []string{"setsid", "env -i PATH=$PATH setsid"} {
		s := newStage(t)
		orphan := newStage(t)
		p := start(t, shell(wrap+` sh -c 'echo 0 0 0 $$ >`+orphan.path()+`; sleep 99; :' &
`+s.hello+s.hold))
		a := applyAsync(t, p)
		o, b := orphan.await(), s.await()
		kill(t, b.worker)
		r := get(t, a)[0]
		wantStatus(t, &r, task.Lost)
		wantGone(t, o.pid, b.pid)
	}
}

func (s *stage) path() string {
	_, path, _ := strings.Cut(strings.TrimSpace(s.hello), ">")
	return path
}

// Two pools of one process are no kin: what is killed in one is no loss to the
// other.
func TestTwoPools(t *testing.T) {
	s := newStage(t)
	p, q := start(t, doubles()), start(t, shell(s.hello+s.hold))
	apply(t, p, "1")
	other := workers()
	a := mapAsync(t, q, "1", "2")
	victim := s.await()
	s.await()
	kill(t, victim.worker)
	eventually(t, "all of it is gone", func() bool { return !lives(victim.pid) && syscall.Kill(victim.worker, 0) != nil })
	s.release(1)
	get(t, a)
	for _, pid := range other {
		if !lives(pid) {
			t.Errorf("worker %d of the other pool is dead", pid)
		}
	}
	r := apply(t, p, "21")
	if r.Worker != 1 {
		t.Errorf("ran on worker %d", r.Worker)
	}
}

// The result of a task whose worker is killed comes by itself: nothing else has to
// happen first.
func TestLossIsSeenAtOnce(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold)
	cfg.RetryDelay = time.Hour
	p := start(t, cfg)
	a := applyAsync(t, p)
	kill(t, s.await().worker)
	wantStatus(t, &get(t, a)[0], task.Lost)
}
