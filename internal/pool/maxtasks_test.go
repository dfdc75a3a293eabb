package pool_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// test_pool_worker_lifetime: workers are replaced after their tasks, and none
// runs more.
func TestMaxTasksPerChild(t *testing.T) {
	for _, c := range []struct{ most, chunk, fewest, atMost int }{
		{1, 1, 100, 100},
		{3, 1, 34, 50},
		{3, 0, 34, 100},
		{3, 20, 34, 50},
		{1000, 1, 1, 16},
	} {
		cfg := doubles()
		cfg.Jobs, cfg.MaxTasksPerChild, cfg.ChunkSize = 16, c.most, c.chunk
		p := start(t, cfg)
		results := mapAll(t, p, numbers(100)...)
		wantDoubles(t, results, 100)
		runs := map[int]int{}
		for _, r := range results {
			runs[r.Worker]++
			if runs[r.Worker] == c.most+1 {
				t.Errorf("%+v: worker %d ran more", c, r.Worker)
			}
			if r.Slot < 1 || r.Slot > 16 {
				t.Errorf("%+v: slot %d", c, r.Slot)
			}
		}
		if len(runs) < c.fewest || len(runs) > c.atMost {
			t.Errorf("%+v: %d workers", c, len(runs))
		}
		p.Close()
		join(t, p)
	}
}

// A retired worker's slot has one task at a time, as any.
func TestSlotsOfRetired(t *testing.T) {
	cfg := shell(fmt.Sprintf("mkdir %s/$MPX_SLOT && rmdir %[1]s/$MPX_SLOT", t.TempDir()))
	cfg.Jobs, cfg.MaxTasksPerChild = 4, 2
	p := start(t, cfg)
	for _, r := range mapAll(t, p, numbers(100)...) {
		wantStatus(t, &r, task.OK)
	}
}

// F16: workers retire all the time while others are killed at random: no result
// is lost, none comes twice, all are right.
func TestRecyclingUnderFire(t *testing.T) {
	const n = 2000
	cfg := doubles()
	cfg.MaxTasksPerChild, cfg.RetryLost = 7, 1000
	kills, all := underFire(t, cfg, n, 20)
	for i := range all {
		wantDouble(t, &all[i], i)
	}
	t.Logf("%d workers killed", kills)
}

// The same with commands, each of which leaves a trace of its run: every task
// ran, and was run again only for a kill.
func TestRecyclingCommandsUnderFire(t *testing.T) {
	const n = 500
	log := filepath.Join(t.TempDir(), "log")
	cfg := shell("echo $MPX_SEQ >>" + log)
	cfg.Jobs, cfg.MaxTasksPerChild, cfg.RetryLost = 4, 7, 1000
	kills, all := underFire(t, cfg, n, 10)
	extra := 0
	for i := range all {
		wantStatus(t, &all[i], task.OK)
		extra += int(all[i].Attempt) - 1
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]int{}
	for _, seq := range strings.Fields(string(b)) {
		runs[seq]++
	}
	total := 0
	for i := range n {
		k := runs[fmt.Sprint(i+1)]
		if k == 0 || k > int(all[i].Attempt) {
			t.Errorf("task %d, attempt %d: %d runs", i+1, all[i].Attempt, k)
		}
		total += k
	}
	if extra > kills || total > n+kills {
		t.Errorf("%d runs, %d repeated, %d kills", total, extra, kills)
	}
	t.Logf("%d workers killed, %d tasks repeated", kills, extra)
}

// underFire runs the tasks of numbers(n) while a random worker is killed for
// every so many results. It returns how many were, and the results in order,
// exactly one for each task.
func underFire(t *testing.T, cfg pool.Config, n, every int) (kills int, all []task.Result) {
	t.Helper()
	p := start(t, cfg)
	it, err := p.ImapUnordered(source(512, numbers(n)...))
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	due, killed := make(chan struct{}, n), make(chan int)
	go func() {
		random, count := rand.New(rand.NewPCG(seed, 0)), 0
		for range due {
			if killRandom(random) {
				count++
			}
		}
		killed <- count
	}()
	all = make([]task.Result, n)
	got := 0
	within(t, 4*patience, "the last Next", func() {
		for {
			r, err := it.Next()
			if err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				return
			}
			if all[r.Index].Seq != 0 {
				t.Errorf("task %d has two results", r.Seq)
			}
			all[r.Index] = r
			if got++; got%every == 0 {
				due <- struct{}{}
			}
		}
	})
	close(due)
	kills = <-killed
	if got != n {
		t.Fatalf("%d results of %d", got, n)
	}
	p.Close()
	join(t, p)
	return kills, all
}
