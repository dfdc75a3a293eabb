package pool_test

import (
	"fmt"
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
	cfg := endlessDigest(t)
	for _, chunk := range []int{1, 4} {
		limits(t, func(limit time.Duration) bool {
			cfg.Timeout, cfg.ChunkSize, cfg.Store = limit, chunk, nil
			p := start(t, cfg)
			for i, r := range mapAll(t, p, "sparse", "small", "sparse", "small") {
				want, worker := task.OK, i/2+2
				if r.Status == task.TimedOut && r.Elapsed < limit {
					t.Errorf("ended after %v", r.Elapsed)
				}
				switch {
				case i%2 == 0:
					want, worker = task.TimedOut, i/2+1
				case r.Status == task.TimedOut:
					return false
				}
				wantStatus(t, &r, want)
				if chunk == 4 && r.Worker != worker && i < 3 || r.Attempt != 1 {
					t.Errorf("task %d: attempt %d of worker %d", i, r.Attempt, r.Worker)
				}
			}
			return true
		})
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
		{"heeds TERM", tree + "echo ready\nsleep 99; :", 0},
		{"ignores TERM", "trap '' TERM\n" + tree + "echo ready\nsleep 99; :", 200 * time.Millisecond},
		{"ends well", tree + "trap 'exit 0' TERM\necho ready\nsleep 99 & wait", 0},
		{"only its leader heeds TERM", "trap '' TERM\n" + tree + "trap 'exit 0' TERM\necho ready\nsleep 99 & wait", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limits(t, func(limit time.Duration) bool {
				cfg := shell("test $# = 0 || exit 0\n" + c.script)
				cfg.Timeout, cfg.Grace = limit, 200*time.Millisecond
				p := start(t, cfg)
				r := apply(t, p)
				out := stdout(t, &r)
				var pids []int
				for _, f := range strings.Fields(strings.TrimSuffix(out, "ready\n")) {
					pid, err := strconv.Atoi(f)
					if err != nil {
						t.Fatal(err)
					}
					pids = append(pids, pid)
				}
				wantStatus(t, &r, task.TimedOut)
				wantGone(t, pids...)
				if !strings.HasSuffix(out, "ready\n") { // its traps are not set yet
					return false
				}
				if r.Elapsed < limit+c.atLeast {
					t.Errorf("elapsed %v", r.Elapsed)
				}
				r = apply(t, p, "quick") // the worker goes on
				if r.Worker != 1 {
					t.Errorf("worker %d", r.Worker)
				}
				if r.Status == task.TimedOut && r.Elapsed >= limit {
					return false
				}
				wantStatus(t, &r, task.OK)
				return true
			})
		})
	}
}

// A task within its limit is not touched, nor is the one after it by the first
// one's clock.
func TestWithinTimeout(t *testing.T) {
	limits(t, func(limit time.Duration) bool {
		cfg := shell(fmt.Sprintf("sleep %.3f", 0.4*limit.Seconds()))
		cfg.Timeout, cfg.Jobs = limit, 1
		p := start(t, cfg)
		for _, r := range mapAll(t, p, "1", "2", "3") {
			if r.Status == task.TimedOut && r.Elapsed >= limit {
				return false
			}
			wantStatus(t, &r, task.OK)
		}
		return true
	})
}

func stopped(pid int) bool {
	st, err := proc.ReadStat(pid)
	return err == nil && st.State == 'T'
}

// Pause stops the processes of what runs, and starts nothing; their time limit
// stands still. Resume undoes it.
func TestPause(t *testing.T) { limits(t, func(limit time.Duration) bool { return pauses(t, limit) }) }

// pauses pauses a task for longer than its limit. It is false if the task is not through
// by then without the pause.
func pauses(t *testing.T, limit time.Duration) (inTime bool) {
	s := newStage(t)
	child := newStage(t)
	var held, startedHeld atomic.Bool
	cfg := shell(`test "$1" = quick && exit 0
setsid sh -c 'echo 0 0 0 $$ >` + child.path() + `; read x; :' <` + child.gate.Name() + ` &
` + s.hello + s.hold)
	cfg.Timeout, cfg.KillLeft = limit, true
	cfg.Starting = func(*task.Task, int) {
		if held.Load() {
			startedHeld.Store(true)
		}
	}
	p := start(t, cfg)
	a := mapAsync(t, p, "1")
	b, ok := s.awaitUnless(a.Ready)
	c, childOK := child.awaitUnless(a.Ready)
	soon(t, "Pause", p.Pause)
	if ok && childOK {
		eventually(t, "all stopped", func() bool { return a.Ready() || stopped(b.pid) && stopped(c.pid) })
	}
	if !ok || !childOK || a.Ready() {
		return false
	}
	held.Store(true)
	paused := time.Now()
	more := mapAsync(t, p, "quick", "quick", "quick")
	s.release(1)
	for time.Since(paused) < limit { // the time that must not count
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
	for _, r := range append(get(t, a), get(t, more)...) {
		if r.Status == task.TimedOut {
			return false
		}
		wantStatus(t, &r, task.OK)
	}
	wantGone(t, c.pid)
	return true
}

// The time limit that stood still goes on after Resume.
func TestTimeoutAfterPause(t *testing.T) {
	limits(t, func(limit time.Duration) bool {
		s := newStage(t)
		cfg := shell(s.hello + "exec sleep 99")
		cfg.Timeout = limit
		p := start(t, cfg)
		a := applyAsync(t, p)
		_, ok := s.awaitUnless(a.Ready)
		p.Pause()
		p.Resume()
		r := get(t, a)[0]
		wantStatus(t, &r, task.TimedOut)
		return ok
	})
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
