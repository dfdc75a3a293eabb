package pool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// inherits are the pools whose workers have heirs, with tasks of a script that
// gets its value as $1; for them a worker runs two tasks.
func inherits(script string) map[string]pool.Config {
	script = `: "$1"` + "\n" + script // a line without $1 would get it appended
	all := map[string]pool.Config{}
	for _, name := range []string{"exec", "shell", "shell without initializer"} {
		cfg := shell(script)
		if name != "exec" {
			cfg = command(script)
			cfg.Function, cfg.Warms = "shell", true
		}
		if name != "shell without initializer" {
			cfg.Initializer = []string{"sh", "-c", ":"}
		}
		cfg.Jobs, cfg.ChunkSize, cfg.MaxTasksPerChild = 1, 1, 2
		all[name] = cfg
	}
	return all
}

// The heir is warm while the last task of the worker before it runs, then it has
// that worker's slot. Nothing is waited for but events.
func TestHeir(t *testing.T) {
	s := newStage(t)
	for name, cfg := range inherits(`test "$1" = slow && {` + "\n" + s.hello + s.hold + "}\n" + `test "$1" != long || sleep 0.1`) {
		for _, first := range []string{"quick", "long"} { // which make the heir due at once, or by a timer
			cfg, d := watched(cfg)
			p := start(t, cfg)
			a := mapAsync(t, p, first, "slow", "quick", "quick", "quick")
			s.await()
			d.ready(t, 2)
			s.release(1)
			for i, r := range get(t, a) {
				wantStatus(t, &r, task.OK)
				if r.Worker != i/2+1 || r.Slot != 1 {
					t.Errorf("%s: task %d ran in worker %d, slot %d", name, i+1, r.Worker, r.Slot)
				}
			}
			p.Close()
			join(t, p)
			d.check(t, 1, 2)
			wantOrder(t, d.find(task.WorkerReady, 2, 0), d.find(task.TaskEnd, 1, 2), d.find(task.TaskStart, 2, 3))
		}
	}
}

// By age, too, the heir warms while its elder works.
func TestHeirByAge(t *testing.T) {
	limits(t, func(age time.Duration) bool {
		s := newStage(t)
		cfg, d := watched(shell(s.hello + s.hold))
		cfg.Jobs, cfg.MaxWorkerAge = 1, age
		cfg.Initializer = []string{"sh", "-c", ":"}
		p := start(t, cfg)
		a := mapAsync(t, p, "1", "2", "3")
		s.await()
		s.release(1)
		s.await()
		d.ready(t, 2)
		eventually(t, "the first retires", func() bool { return d.find(task.WorkerRetire, 1, 0) >= 0 })
		s.release(2)
		r := get(t, a)
		p.Close()
		join(t, p)
		d.check(t, 1, 0)
		if d.find(task.TaskStart, 1, 2) < 0 { // it was too old for a second task
			return false
		}
		if r[1].Worker != 1 || r[2].Worker != 2 {
			t.Errorf("workers %d and %d", r[1].Worker, r[2].Worker)
		}
		wantOrder(t, d.find(task.WorkerReady, 2, 0), d.find(task.TaskEnd, 1, 2), d.find(task.TaskStart, 2, 3))
		return true
	})
}

// Many heirs: no worker runs more than its tasks, no slot two at a time, and no more
// workers come in vain than have had a chance to: one that runs tasks has one heir.
func TestHeirs(t *testing.T) {
	for name, gate := range map[string]func(*pool.Config){
		"plain":  func(*pool.Config) {},
		"chunks": func(c *pool.Config) { c.ChunkSize = 0 },
		"delay":  func(c *pool.Config) { c.Delay = time.Microsecond },
		"gates":  func(c *pool.Config) { c.Load, c.MemoryFree = 1e9, 1 },
		"hold":   func(c *pool.Config) { c.Halt = pool.Halt{On: pool.HaltDone, Count: 1000} },
	} {
		for function, cfg := range inherits("exit 0") {
			cfg, d := watched(cfg)
			cfg.Jobs, cfg.MaxTasksPerChild = 3, 4
			gate(&cfg)
			p := start(t, cfg)
			for _, r := range mapAll(t, p, numbers(36)...) {
				wantStatus(t, &r, task.OK)
			}
			p.Close()
			join(t, p)
			idle, ran := 0, 0
			for _, n := range d.check(t, 3, 4) {
				if n == 0 {
					idle++
				} else {
					ran++
				}
			}
			if idle > ran+cfg.Jobs {
				t.Errorf("%s, %s: %d workers ran tasks, %d did not", name, function, ran, idle)
			}
		}
	}
}

// A bare worker has nothing to warm, and no heir.
func TestNoHeir(t *testing.T) {
	s := newStage(t)
	cfg, d := watched(shell(s.hello + s.hold))
	cfg.Jobs, cfg.MaxTasksPerChild = 1, 1
	p := start(t, cfg)
	a := mapAsync(t, p, "1", "2")
	s.await()
	s.release(1)
	s.await()
	s.release(1)
	get(t, a)
	wantOrder(t, d.find(task.TaskEnd, 1, 1), d.find(task.WorkerStart, 2, 0))
}

// When its elder is killed the heir takes the slot, and the lost task, at once.
func TestHeirOfKilled(t *testing.T) {
	s := newStage(t)
	for name, cfg := range inherits(s.hello + s.hold) {
		cfg, d := watched(cfg)
		cfg.MaxTasksPerChild, cfg.RetryLost = 1, 1
		p := start(t, cfg)
		a := mapAsync(t, p, "1", "2")
		victim := s.await()
		d.ready(t, 2)
		kill(t, victim.worker)
		s.await()
		s.release(1)
		s.await()
		s.release(1)
		r := get(t, a)
		if r[0].Status != task.OK || r[0].Worker != 2 || r[0].Attempt != 2 || r[0].Slot != 1 || r[1].Worker != 3 {
			t.Errorf("%s: %v, attempt %d in worker %d, slot %d; then worker %d", name, r[0].Status, r[0].Attempt, r[0].Worker, r[0].Slot, r[1].Worker)
		}
		p.Close()
		join(t, p)
		d.check(t, 1, 1)
	}
}

// A killed heir costs nothing: its elder works on, and another follows then.
func TestKilledHeir(t *testing.T) {
	s := newStage(t)
	for name, cfg := range inherits(s.hello + s.hold) {
		cfg, d := watched(cfg)
		cfg.MaxTasksPerChild = 1
		p := start(t, cfg)
		a := mapAsync(t, p, "1", "2")
		s.await()
		kill(t, d.ready(t, 2))
		eventually(t, "the heir is gone", func() bool { return d.find(task.WorkerDie, 2, 0) >= 0 })
		s.release(1)
		s.await()
		s.release(1)
		if r := get(t, a); r[0].Worker != 1 || r[1].Worker != 3 || r[1].Attempt != 1 {
			t.Errorf("%s: workers %d and %d, attempt %d", name, r[0].Worker, r[1].Worker, r[1].Attempt)
		}
		p.Close()
		join(t, p)
		d.check(t, 1, 1)
	}
}

// An initializer that fails three times in a row ends the pool, whoever's it is.
func TestHeirInitializerFails(t *testing.T) {
	s := newStage(t)
	cfg, d := watched(shell(s.hello + s.hold))
	cfg.Jobs, cfg.MaxTasksPerChild = 1, 1
	cfg.Initializer = []string{"sh", "-c", "mkdir " + t.TempDir() + "/first 2>/dev/null || exit 3"}
	p := start(t, cfg)
	a := mapAsync(t, p, "1", "2")
	s.await()
	eventually(t, "the heir has failed", func() bool { return d.find(task.WorkerRetire, 2, 0) >= 0 })
	s.release(1)
	r, err := a.Get(patience)
	const want = "the initializer failed 3 times in a row (exit status 3)"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	wantStatus(t, &r[0], task.OK)
	wantStatus(t, &r[1], task.Cancelled)
}

// No run waits at its end for an heir that still warms up, and no failure of
// that heir's is told.
func TestHeirNotAwaited(t *testing.T) {
	for _, function := range []string{"exec", "shell"} {
		s := newStage(t)
		cfg, d := watched(inherits(s.hold)[function])
		first := filepath.Join(t.TempDir(), "first")
		cfg.MaxTasksPerChild, cfg.Grace = 1, time.Second
		cfg.Initializer = []string{"sh", "-c", "mkdir " + first + " 2>/dev/null || { MPX_SEQ=0 MPX_ATTEMPT=1\n" + s.hello + "sleep 999; }"}
		p := start(t, cfg)
		in := newTap(t)
		it, err := p.ImapUnordered(in)
		if err != nil {
			t.Fatal(err)
		}
		in.c <- tasks("1")
		heir := s.await()
		s.release(1)
		if _, err := next(t, it); err != nil {
			t.Fatal(err)
		}
		in.close()
		p.Close()
		join(t, p)
		wantGone(t, heir.pid)
		if _, err := os.Stat(first); err != nil {
			t.Error(err)
		}
		d.check(t, 1, 1)
	}
}

// A pause stops an heir, as all, and none begins during one.
func TestPauseWithHeir(t *testing.T) {
	s := newStage(t)
	for _, cfg := range inherits(s.hello + s.hold) {
		cfg, d := watched(cfg)
		cfg.MaxTasksPerChild = 1
		p := start(t, cfg)
		a := mapAsync(t, p, "1", "2", "3")
		s.await()
		d.ready(t, 2)
		soon(t, "Pause", p.Pause)
		s.release(3)
		p.Resume()
		for _, r := range get(t, a) {
			wantStatus(t, &r, task.OK)
		}
		s.await()
		s.await()
		p.Close()
		join(t, p)
		d.check(t, 1, 1)
	}
}

// Elders and heirs are killed at random: nothing is lost, doubled or hung.
func TestHeirsUnderFire(t *testing.T) {
	for name, cfg := range inherits(`echo $(($1 * 2))`) {
		cfg, d := watched(cfg)
		cfg.Jobs, cfg.MaxTasksPerChild, cfg.RetryLost = 4, 5, 1000
		kills, all := underFire(t, cfg, 300, 7)
		for i := range all {
			wantDouble(t, &all[i], i)
		}
		d.check(t, 4, 5)
		t.Logf("%s: %d workers killed", name, kills)
	}
}
