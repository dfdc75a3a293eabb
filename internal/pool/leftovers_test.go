package pool_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// left returns the pid that a task has printed to its stderr, of a process that
// it leaves. It is killed at the test's end.
func left(t *testing.T, r *task.Result) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(stderr(t, r)))
	if err != nil {
		t.Fatalf("stderr %q", stderr(t, r))
	}
	t.Cleanup(func() {
		if lives(pid) {
			kill(t, pid)
		}
		eventually(t, "what was left is reaped", func() bool { return !lives(pid) })
	})
	return pid
}

// orphan has a shell start a process that is not its child and has a session of
// its own, and know its pid.
const orphan = "pid=$(setsid sh -c 'echo $$; exec sleep 99 >/dev/null' &)"

// A task is done when its process is. What it has left lives on, and the worker
// that would meet it is replaced.
func TestLeftoversAreKept(t *testing.T) {
	for _, leave := range []string{
		"sleep 99 & echo $! >&2",
		"sleep 99 >/dev/null 2>&1 & echo $! >&2",
		"setsid sleep 99 & echo $! >&2",
		orphan + "; echo $pid >&2",
		"trap '' TERM; sleep 99 & echo $! >&2",
	} {
		cfg := shell(`test "$1" = quick && exit
` + leave + "\necho hi")
		cfg.Jobs, cfg.ChunkSize = 1, 3
		p := start(t, cfg)
		rs := mapAll(t, p, "leave", "quick", "quick")
		r := rs[0]
		wantStatus(t, &r, task.OK)
		if got := stdout(t, &r); got != "hi\n" {
			t.Errorf("%s: stdout %q", leave, got)
		}
		pid := left(t, &r)
		for _, r := range rs[1:] {
			wantStatus(t, &r, task.OK)
			if r.Worker != 2 || r.Attempt != 1 {
				t.Errorf("%s: attempt %d of worker %d", leave, r.Attempt, r.Worker)
			}
		}
		p.Terminate() // not its affair any more
		join(t, p)
		if !lives(pid) {
			t.Errorf("%s: what it left is dead", leave)
		}
	}
}

// The time limit is that of the task's process, not of what it leaves.
func TestLeftoversAndTimeout(t *testing.T) {
	limits(t, func(limit time.Duration) bool {
		cfg := shell("sleep 99 & echo $! >&2")
		cfg.Timeout = limit
		p := start(t, cfg)
		r := apply(t, p)
		if r.Status == task.TimedOut && r.Elapsed >= limit {
			return false
		}
		wantStatus(t, &r, task.OK)
		pid := left(t, &r)
		time.Sleep(limit) // for the limit to strike wrongly
		p.Close()
		join(t, p) // who could do so is gone
		if !lives(pid) {
			t.Error("what it left is dead")
		}
		return true
	})
}

// KillLeft: nothing of a task is left when its result comes, and its worker
// goes on.
func TestLeftoversAreKilled(t *testing.T) {
	cfg := shell("sleep 99 & echo $!\ntrap '' TERM\nsetsid sleep 99 & echo $!\n" + orphan + "; echo $pid")
	cfg.KillLeft, cfg.Jobs = true, 1
	p := start(t, cfg)
	for range 3 {
		r := apply(t, p)
		wantStatus(t, &r, task.OK)
		var pids []int
		for _, f := range strings.Fields(stdout(t, &r)) {
			pid, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
		wantGone(t, pids...)
		if r.Worker != 1 || len(pids) != 3 {
			t.Errorf("worker %d, pids %v", r.Worker, pids)
		}
	}
}

// What was left and goes on writing is not waited for, and what it writes does
// not get into the next task's output.
func TestLeftoverThatWrites(t *testing.T) {
	cfg := shell(`test "$1" = quick && { echo quick; exit; }
(while echo left; do sleep 0.005; done) & echo $! >&2
echo hi`)
	cfg.Jobs = 1
	p := start(t, cfg)
	r := apply(t, p, "leave")
	wantStatus(t, &r, task.OK)
	left(t, &r)
	if got := stdout(t, &r); !strings.Contains(got, "hi\n") || strings.Trim(strings.Replace(got, "hi\n", "", 1), "left\n") != "" {
		t.Errorf("stdout %q", got)
	}
	for range 5 {
		r := apply(t, p, "quick")
		if got := stdout(t, &r); got != "quick\n" {
			t.Errorf("stdout %q", got)
		}
	}
}

// What writes as fast as it can is no more of a hold-up.
func TestLeftoverThatFloods(t *testing.T) {
	p := start(t, shell("yes & echo $! >&2"))
	r := apply(t, p)
	wantStatus(t, &r, task.OK)
	left(t, &r)
}

// What a task leaves and ends by itself before the output is whole counts, unless it is
// silent for so long that it is not waited for: on a busy machine that may be at any time.
func TestLeftoverThatEnds(t *testing.T) {
	for begin := time.Now(); ; {
		got := leftoverThatEnds(t)
		if got == "1\n2\n" || t.Failed() {
			return
		}
		if !strings.HasPrefix("1\n2\n", got) || time.Since(begin) > patience {
			t.Fatalf("stdout %q", got)
		}
	}
}

func leftoverThatEnds(t *testing.T) string {
	s := newStage(t)
	cfg := shell("(echo 1; read x; echo 2; echo 0 0 0 0 >" + s.path() + ") <" + s.gate.Name() + " &\nexit 0")
	cfg.Jobs, cfg.KillLeft = 1, false
	p := start(t, cfg)
	s.release(1)
	r := apply(t, p)
	return stdout(t, &r)
}

// A process that a finished task left is spared when a later worker is killed;
// so is one without any mark of its own.
func TestLeftoversOutliveKilledWorkers(t *testing.T) {
	for _, leave := range []string{"setsid sleep 99 & echo $! >&2", strings.Replace(orphan, "setsid", "env -i setsid", 1) + "; echo $pid >&2"} {
		s := newStage(t)
		sibling := newStage(t)
		cfg := shell(`test "$1" = leave && { ` + leave + `
exit; }
setsid sh -c 'echo 0 0 0 $$ >` + sibling.path() + `; sleep 99; :' &
` + s.hello + s.hold)
		cfg.Jobs = 1
		p := start(t, cfg)
		r := apply(t, p, "leave")
		pid := left(t, &r)
		a := applyAsync(t, p, "hold")
		b, o := s.await(), sibling.await()
		kill(t, b.worker)
		r = get(t, a)[0]
		wantStatus(t, &r, task.Lost)
		wantGone(t, b.pid, o.pid)
		if !lives(pid) {
			t.Errorf("%s: what was left is dead", leave)
		}
	}
}

// A task that makes its stdout non-blocking does not do so for the next one.
func TestNonblockingOutput(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip(err)
	}
	const set = `import fcntl, os
for fd in 1, 2:
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)`
	const get = `import fcntl, os
for fd in 1, 2:
    os.write(1, b"%d\n" % (fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK))`
	cfg := pool.Config{Function: "exec", Args: task.Spec{Words: []string{"python3", "-c", "import sys; exec(sys.argv[1])", "{}"}, Replace: "{}"}, Jobs: 1}
	p := start(t, cfg)
	r := apply(t, p, set)
	wantStatus(t, &r, task.OK)
	r = apply(t, p, get)
	if got := stdout(t, &r); got != "0\n0\n" || r.Worker != 1 {
		t.Errorf("worker %d: %q, %s", r.Worker, got, stderr(t, &r))
	}
}
