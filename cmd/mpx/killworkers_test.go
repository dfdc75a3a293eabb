package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// Workers, and whatever runs below them (tasks, resident shells), are killed at
// random. Each task has its one output, in its place.
func TestKillWorkers(t *testing.T) {
	for _, k := range workerKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			again(t, func() int { return killWorkers(t, newKillRun(t, k, k.tasks)) })
		})
	}
}

func killWorkers(t *testing.T, r *killRun) (kills int) {
	out, err := os.Create(filepath.Join(r.dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c, said := r.command(out, "--retries", "1000", "--retry-lost", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	k := killer{supervisor: c.Process.Pid, stays: r.kind.name != "exec", seen: map[int]time.Time{}, over: make(chan struct{})}
	var done sync.WaitGroup
	done.Go(k.run)
	hung := time.AfterFunc(killLimit, func() { _ = c.Process.Kill() })
	err = c.Wait()
	stopped := hung.Stop()
	close(k.over)
	done.Wait()
	if !stopped {
		t.Fatalf("hung after %d kills of workers and %d below them", k.workers, k.below)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if got, err := os.ReadFile(filepath.Join(r.dir, "out")); err != nil || !bytes.Equal(got, r.numbers()) {
		t.Errorf("the output is another: %v, %d bytes, want %d", err, len(got), len(r.numbers()))
	}
	if torture() && (k.workers < 3 || k.below < 3) {
		t.Errorf("%d kills of workers, %d below them: the test shows little", k.workers, k.below)
	}
	r.wantNothingLeft(t)
	return k.workers + k.below
}

// killLimit is when a run that takes a few seconds counts as hung.
const killLimit = 2 * time.Minute

// A killer kills what runs below a supervisor.
type killer struct {
	supervisor int
	stays      bool              // workers have something that stays from task to task
	seen       map[int]time.Time // workers at work, and since when
	over       chan struct{}

	workers, below int // killed
}

func (k *killer) run() {
	for {
		select {
		case <-k.over:
			return
		case <-time.After(time.Duration(rand.IntN(20)) * time.Millisecond):
			k.killOne()
		}
	}
}

// grown is for how long a worker has been at work that may be killed: those in a
// row that come to nothing would end the run.
const grown = 150 * time.Millisecond

// works reports whether worker runs a task: below what stays there is something.
func (k *killer) works(worker int) bool {
	for _, pid := range proc.Children(worker) {
		if !k.stays || len(proc.Children(pid)) > 0 {
			return true
		}
	}
	return false
}

// killOne kills a worker, or something below one.
func (k *killer) killOne() {
	old := slices.DeleteFunc(proc.Children(k.supervisor), func(pid int) bool {
		since, seen := k.seen[pid]
		if !seen && k.works(pid) {
			k.seen[pid] = time.Now()
		}
		return !seen || time.Since(since) < grown
	})
	if len(old) == 0 {
		return
	}
	worker := old[rand.IntN(len(old))]
	if rand.IntN(4) == 0 {
		if killBelow(worker, k.supervisor) {
			k.workers++
		}
		return
	}
	all := proc.Descendants(worker)
	if len(all) > 0 && killBelow(all[rand.IntN(len(all))], worker) {
		k.below++
	}
}

// killBelow kills pid if it is still below ancestor: its number may be another's
// by now.
func killBelow(pid, ancestor int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	for p := pid; p > 1; {
		st, err := proc.ReadStat(p)
		if err != nil {
			return false
		}
		if p = st.Parent; p == ancestor {
			return unix.PidfdSendSignal(fd, syscall.SIGKILL, nil, 0) == nil
		}
	}
	return false
}
