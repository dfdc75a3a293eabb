package pool_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/proc"
	"mpx/internal/task"
)

// endlessDigest is a pool that computes for minutes when it is given "sparse",
// and at once for "small".
func endlessDigest(t *testing.T) pool.Config {
	t.Helper()
	dir := t.TempDir()
	for name, size := range map[string]int64{"sparse": 1 << 38, "small": 1} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return pool.Config{Function: "digest", Args: map[string]string{"algorithm": "sha256"}, Jobs: 1}
}

// A computation over its time limit ends, with its worker; the tasks behind it
// run elsewhere. The first task of a worker is limited as any.
func TestTimeoutOfCompute(t *testing.T) {
	for _, chunk := range []int{1, 4} {
		cfg := endlessDigest(t)
		cfg.Timeout, cfg.ChunkSize = 300*time.Millisecond, chunk
		p := start(t, cfg)
		for i, r := range mapAll(t, p, "sparse", "small", "sparse", "small") {
			want, worker := task.OK, i/2+2
			if i%2 == 0 {
				want, worker = task.TimedOut, i/2+1
				if r.Elapsed < cfg.Timeout {
					t.Errorf("ended after %v", r.Elapsed)
				}
			}
			wantStatus(t, &r, want)
			if chunk == 4 && r.Worker != worker && i < 3 || r.Attempt != 1 {
				t.Errorf("task %d: attempt %d of worker %d", i, r.Attempt, r.Worker)
			}
		}
	}
}

// A result does not wait for the long computation behind it, whether there is
// a time limit or not.
func TestComputeResultIsNotHeldBack(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Hour} {
		cfg := endlessDigest(t)
		cfg.Timeout, cfg.ChunkSize = limit, 2
		p := start(t, cfg)
		it, err := p.Imap(source(2, "small", "sparse"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := next(t, it)
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, &r, task.OK)
	}
}

// F12: Timeout ends the whole tree, those in sessions of their own too, before
// the result comes.
func TestTimeout(t *testing.T) {
	tree := "sleep 99 & echo $!\nsetsid sleep 99 & echo $!\n" + orphan + "; echo $pid\n"
	for _, c := range []struct {
		name, script string
		atLeast      time.Duration
	}{
		{"heeds TERM", tree + "sleep 99; :", 0},
		{"ignores TERM", "trap '' TERM\n" + tree + "sleep 99; :", 200 * time.Millisecond},
		{"ends well", tree + "trap 'exit 0' TERM\nsleep 99 & wait", 0},
		{"only its leader heeds TERM", "trap '' TERM\n" + tree + "trap 'exit 0' TERM\nsleep 99 & wait", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := shell("test $# = 0 || exit 0\n" + c.script)
			cfg.Timeout, cfg.Grace = time.Second, 200*time.Millisecond
			p := start(t, cfg)
			r := apply(t, p)
			var pids []int
			for _, f := range strings.Fields(stdout(t, &r)) {
				pid, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
			wantStatus(t, &r, task.TimedOut)
			wantGone(t, pids...)
			if len(pids) != 3 {
				t.Errorf("pids %v", pids)
			}
			if r.Elapsed < cfg.Timeout+c.atLeast || r.Elapsed > patience {
				t.Errorf("elapsed %v", r.Elapsed)
			}
			r = apply(t, p, "quick") // the worker goes on
			if wantStatus(t, &r, task.OK); r.Worker != 1 {
				t.Errorf("worker %d", r.Worker)
			}
		})
	}
}

// A task within its limit is not touched, nor is the one after it by the first
// one's clock.
func TestWithinTimeout(t *testing.T) {
	cfg := shell("sleep 0.4")
	cfg.Timeout, cfg.Jobs = time.Second, 1
	p := start(t, cfg)
	for _, r := range mapAll(t, p, "1", "2", "3") {
		wantStatus(t, &r, task.OK)
	}
}

func stopped(pid int) bool {
	st, err := proc.ReadStat(pid)
	return err == nil && st.State == 'T'
}

// Pause stops the processes of what runs, and starts nothing; their time limit
// stands still. Resume undoes it.
func TestPause(t *testing.T) {
	s := newStage(t)
	child := newStage(t)
	var held, startedHeld atomic.Bool
	cfg := shell(`test "$1" = quick && exit 0
setsid sh -c 'echo 0 0 0 $$ >` + child.path() + `; read x; :' <` + child.gate.Name() + ` &
` + s.hello + s.hold)
	cfg.Timeout, cfg.KillLeft = time.Second, true
	cfg.Starting = func(*task.Task, int) {
		if held.Load() {
			startedHeld.Store(true)
		}
	}
	p := start(t, cfg)
	apply(t, p, "quick")
	a := mapAsync(t, p, "1")
	b, c := s.await(), child.await()
	soon(t, "Pause", p.Pause)
	held.Store(true)
	paused := time.Now()
	eventually(t, "all stopped", func() bool { return stopped(b.pid) && stopped(c.pid) })
	more := mapAsync(t, p, "quick", "quick", "quick")
	s.release(1)
	for time.Since(paused) < cfg.Timeout+200*time.Millisecond { // the time that must not count
		time.Sleep(10 * time.Millisecond)
		if !stopped(b.pid) || !stopped(c.pid) || a.Ready() || more.Ready() {
			t.Fatal("something runs")
		}
	}
	if startedHeld.Load() {
		t.Error("a task was handed out")
	}
	held.Store(false)
	p.Resume()
	r := get(t, a)[0]
	wantStatus(t, &r, task.OK)
	for _, r := range get(t, more) {
		wantStatus(t, &r, task.OK)
	}
	wantGone(t, c.pid)
}

// The time limit that stood still goes on after Resume.
func TestTimeoutAfterPause(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + "exec sleep 99")
	cfg.Timeout = 500 * time.Millisecond
	p := start(t, cfg)
	a := applyAsync(t, p)
	s.await()
	p.Pause()
	p.Resume()
	r := get(t, a)[0]
	wantStatus(t, &r, task.TimedOut)
}

// What is paused can be ended; and a pool that is paused twice, or in which a
// worker is killed meanwhile, does not keep Pause from returning.
func TestPauseAndEnd(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+s.hold))
	a := mapAsync(t, p, "1", "2", "3")
	b, c := s.await(), s.await()
	soon(t, "Pause", p.Pause)
	soon(t, "a second Pause", p.Pause)
	kill(t, b.worker)
	soon(t, "a third Pause", p.Pause)
	p.Terminate()
	join(t, p)
	if _, err := a.Get(patience); err == nil {
		t.Error("no error")
	}
	wantGone(t, b.pid, c.pid)
}

// Nothing is started in a paused worker either, when its task ends in the
// instant of the Pause.
func TestPauseBetweenTasks(t *testing.T) {
	var runs atomic.Int64
	cfg := shell("echo x")
	cfg.ChunkSize = 50
	cfg.Live = func(*task.Task, int, bool, []byte) error { runs.Add(1); return nil }
	p := start(t, cfg)
	a := mapAsync(t, p, numbers(400)...)
	for i := range 20 {
		eventually(t, "tasks run", func() bool { return runs.Load() >= int64(i*4) })
		soon(t, "Pause", p.Pause)
		var tasks []int
		for _, w := range workers() {
			tasks = append(tasks, proc.Children(w)...)
		}
		for _, pid := range tasks {
			eventually(t, "stopped or gone", func() bool { return !lives(pid) || stopped(pid) })
		}
		p.Resume()
	}
	for _, r := range get(t, a) {
		wantStatus(t, &r, task.OK)
	}
}

// A worker that is itself stopped cannot say that its task is: Pause does not
// wait for it for ever.
func TestPauseStoppedWorker(t *testing.T) {
	s := newStage(t)
	p := start(t, shell(s.hello+s.hold))
	a := mapAsync(t, p, "1")
	b := s.await()
	if err := syscall.Kill(b.worker, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	soon(t, "Pause", p.Pause)
	if err := syscall.Kill(b.worker, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the task stopped", func() bool { return stopped(b.pid) })
	p.Resume()
	s.release(1)
	wantStatus(t, &get(t, a)[0], task.OK)
}
