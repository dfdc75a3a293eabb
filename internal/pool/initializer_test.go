package pool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/task"
)

// F14: an initializer that always fails ends the pool, which says what it said.
func TestInitializerFails(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		log := filepath.Join(t.TempDir(), "log")
		cfg := doubles()
		cfg.Jobs = jobs
		cfg.Initializer = []string{"sh", "-c", "echo x >>" + log + "; echo no licence >&2; exit 3"}
		p := start(t, cfg)
		wantFailure(t, p, "the initializer failed 3 times in a row (exit status 3):\nno licence")
		b, _ := os.ReadFile(log)
		if n := strings.Count(string(b), "x"); n < 3 || jobs == 1 && n > 3 {
			t.Errorf("jobs %d: tried %d times", jobs, n)
		}
	}
}

func TestInitializerCannotRun(t *testing.T) {
	cfg := doubles()
	cfg.Jobs, cfg.Initializer = 1, []string{"/no/such/command"}
	wantFailure(t, start(t, cfg), "(exit status 127): /no/such/command: no such file")
}

func TestInitializerDiesBySignal(t *testing.T) {
	cfg := shell("")
	cfg.Jobs, cfg.Initializer = 1, []string{"sh", "-c", "kill -9 $$"}
	wantFailure(t, start(t, cfg), "(signal 9)")
}

func TestInitializerFailsTwice(t *testing.T) {
	dir := t.TempDir()
	cfg := doubles()
	cfg.Jobs = 1
	cfg.Initializer = []string{"sh", "-c", "mkdir " + dir + "/1 2>/dev/null && exit 1; mkdir " + dir + "/2 2>/dev/null && exit 1; exit 0"}
	p := start(t, cfg)
	results := mapAll(t, p, numbers(20)...)
	wantDoubles(t, results, 20)
	for _, r := range results {
		if r.Worker != 3 || r.Attempt != 1 {
			t.Errorf("task %d: attempt %d of worker %d", r.Seq, r.Attempt, r.Worker)
		}
	}
	p.Close()
	join(t, p)
}

// What an initializer prints is the user's to see and no task's output; it
// counts as no task and has no time limit but the pool's end.
func TestInitializerOutput(t *testing.T) {
	for _, fn := range []string{"exec", "double"} {
		cfg := doubles()
		if fn == "exec" {
			cfg = shell(`echo $(($1 * 2))`)
		}
		var told notices
		cfg.Jobs, cfg.MaxTasksPerChild, cfg.Notice = 1, 2, told.add
		cfg.Initializer = []string{"sh", "-c", "echo to stdout; echo to stderr >&2"}
		p := start(t, cfg)
		wantDoubles(t, mapAll(t, p, numbers(6)...), 6)
		p.Close()
		join(t, p)
		n := told.list()
		if len(n) != 3 || n[0] != "initializer: to stdout\nto stderr\n" {
			t.Errorf("%s: notices %q, want 3", fn, n)
		}
	}
}

func TestInitializerIsNoTask(t *testing.T) {
	s := newStage(t)
	cfg := shell("exit 0")
	cfg.Jobs = 1
	cfg.Initializer = []string{"sh", "-c", s.hello + s.hold}
	p := start(t, cfg)
	a := applyAsync(t, p)
	if b := s.await(); b.seq != 0 || b.attempt != 1 {
		t.Errorf("%+v", b)
	} else {
		kill(t, b.worker) // nothing is lost with it
	}
	s.await()
	s.release(1)
	r := get(t, a)[0]
	wantStatus(t, &r, task.OK)
	if r.Attempt != 1 || r.Worker != 2 {
		t.Errorf("attempt %d of worker %d", r.Attempt, r.Worker)
	}
}

func TestTerminateDuringInitializer(t *testing.T) {
	s := newStage(t)
	cfg := doubles()
	cfg.Initializer = []string{"sh", "-c", s.hello + "sleep 99"}
	p := start(t, cfg)
	a := mapAsync(t, p, "1", "2")
	b := s.await()
	p.Terminate()
	join(t, p)
	r, _ := a.Get(patience)
	for i := range r {
		wantStatus(t, &r[i], task.Cancelled)
	}
	wantGone(t, b.pid)
}
