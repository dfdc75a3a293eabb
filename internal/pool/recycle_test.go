package pool_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// everyFunction are pools whose tasks do nothing.
func everyFunction() map[string]pool.Config {
	resident := command(":")
	resident.Function, resident.Warms = "shell", true
	return map[string]pool.Config{"exec": shell(""), "shell": resident, "double": doubles()}
}

// However small a worker's limits are, each worker runs a task, and all are run:
// what a chunk had besides is given back.
func TestTinyLimits(t *testing.T) {
	for reason, limit := range map[string]func(*pool.Config){
		"max-worker-memory": func(c *pool.Config) { c.MaxWorkerMemory = 1 },
		"max-worker-age":    func(c *pool.Config) { c.MaxWorkerAge = 1 },
	} {
		for name, cfg := range everyFunction() {
			for _, chunk := range []int{1, 5} {
				cfg, d := watched(cfg)
				cfg.Jobs, cfg.ChunkSize = 2, chunk
				limit(&cfg)
				p := start(t, cfg)
				for _, r := range mapAll(t, p, numbers(20)...) {
					wantStatus(t, &r, task.OK)
					if r.Attempt != 1 {
						t.Errorf("%s, %s: task %d has attempt %d", reason, name, r.Seq, r.Attempt)
					}
				}
				p.Close()
				join(t, p)
				runs := d.check(t, 2, 0)
				if chunk == 1 && len(runs) < 20 || chunk > 1 && len(runs) < 4 {
					t.Errorf("%s, %s, chunks of %d: %d workers for 20 tasks", reason, name, chunk, len(runs))
				}
				if all := d.reasons(); !slices.Contains(all, reason) {
					t.Errorf("%s, %s: reasons %q", reason, name, all)
				}
			}
		}
	}
}

// Limits that nobody reaches retire nobody.
func TestWideLimits(t *testing.T) {
	for _, cfg := range everyFunction() {
		cfg, d := watched(cfg)
		cfg.Jobs, cfg.MaxWorkerMemory, cfg.MaxWorkerAge = 2, 1<<50, 1<<62
		p := start(t, cfg)
		mapAll(t, p, numbers(20)...)
		p.Close()
		join(t, p)
		if runs := d.check(t, 2, 0); len(runs) > 2 {
			t.Errorf("%d workers", len(runs))
		}
	}
}

// A worker over its age runs its task to the end, and what waits behind it goes
// to another.
func TestAgeInterruptsNothing(t *testing.T) {
	limits(t, func(age time.Duration) bool {
		s := newStage(t)
		cfg, d := watched(shell(`test "$1" = slow && {` + "\n" + s.hello + s.hold + "}\nexit 0"))
		cfg.Jobs, cfg.ChunkSize, cfg.MaxWorkerAge = 1, 10, age
		p := start(t, cfg)
		a := mapAsync(t, p, "quick", "slow", "quick", "quick")
		s.await()
		eventually(t, "the worker retires", func() bool { return d.find(task.WorkerRetire, 1, 0) >= 0 })
		s.release(1)
		r := get(t, a)
		for i := range r {
			if wantStatus(t, &r[i], task.OK); r[i].Attempt != 1 {
				t.Errorf("task %d: attempt %d", i+1, r[i].Attempt)
			}
		}
		if r[1].Worker > 1 { // it was too old for a second task
			return false
		}
		later := []int{r[2].Worker, r[3].Worker} // the next may be too old in its turn
		if r[0].Worker != 1 || later[0] != 2 || later[1] < 2 {
			t.Errorf("workers %d %d %d %d", r[0].Worker, r[1].Worker, later[0], later[1])
		}
		return true
	})
}

// A worker that has nothing to do retires when its time comes, too.
func TestAgeOfIdle(t *testing.T) {
	cfg, d := watched(doubles())
	cfg.MaxWorkerAge = 50 * time.Millisecond
	p := start(t, cfg)
	apply(t, p, "1")
	eventually(t, "no worker", func() bool { return len(workers()) == 0 })
	if all := d.reasons(); !slices.Equal(all, []string{"max-worker-age"}) {
		t.Errorf("reasons %q", all)
	}
	r := apply(t, p, "2")
	wantStatus(t, &r, task.OK)
}

// What a worker keeps from task to task ends it: here a process that its
// initializer has left running, which grows with each task.
func TestLeak(t *testing.T) {
	dir := t.TempDir()
	in, out := dir+"/$MPX_WORKER.in", dir+"/$MPX_WORKER.out"
	cfg, d := watched(command("echo $1 >" + in + "; read x <" + out))
	cfg.Function, cfg.Warms = "shell", true
	cfg.Jobs, cfg.ChunkSize, cfg.MaxWorkerMemory = 1, 1, 16<<20
	cfg.Initializer = []string{"sh", "-c", "mkfifo " + in + " " + out + `
{ while read y <` + in + `; do x=$x$(head -c 1000000 /dev/zero | tr '\0' x); echo >` + out + `; done; } >/dev/null 2>&1 &
echo $! >>` + dir + "/pids"}
	p := start(t, cfg)
	for _, r := range mapAll(t, p, numbers(60)...) {
		wantStatus(t, &r, task.OK)
	}
	p.Close()
	join(t, p)
	runs := d.check(t, 1, 0)
	if all := d.reasons(); !slices.Contains(all, "max-worker-memory") || runs[1] < 2 || runs[1] > 30 {
		t.Errorf("reasons %q, the first worker ran %d tasks", all, runs[1])
	}
	t.Logf("%d workers; the first heir came at %d, its elder went at %d", len(runs), d.find(task.WorkerStart, 2, 0), d.find(task.WorkerRetire, 1, 0))
	pids, err := os.ReadFile(dir + "/pids")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range strings.Fields(string(pids)) {
		pid, _ := strconv.Atoi(s)
		kill(t, pid)
	}
}
