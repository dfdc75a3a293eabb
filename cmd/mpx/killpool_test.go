package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A besieged is a pool of which clients, workers and the supervisor are killed.
type besieged struct {
	dir    string
	killed atomic.Int64

	mu   sync.Mutex
	ends map[string]int // each task's exit status; −1: its client was killed
}

// poolStart starts the pool, unless it is there.
func (b *besieged) poolStart(t *testing.T) {
	cmd := mpxIn(b.dir, "pool", "start", "p", "-j2", "--retry-lost", "0", "sh", "-c", `echo "$1" >>list; echo "$1"`, "sh")
	if status, _, said := runFor(cmd, patience); status != 0 && !strings.Contains(said, "the pool p is there") {
		t.Errorf("start ended with %d: %s", status, said)
	}
}

// client applies and submits tasks, and is killed now and then.
func (b *besieged) client(t *testing.T, name string, n int) {
	for i := range n {
		id := fmt.Sprintf("%s-%d", name, i)
		cmd := mpxIn(b.dir, "pool", "apply", "p", id)
		var out bytes.Buffer
		cmd.Stdout = &out
		status, killed, said := runFor(cmd, sometimes(20*time.Millisecond))
		if killed {
			b.killed.Add(1)
			status = -1
		}
		if !slices.Contains([]int{-1, 0, exitUsage, exitBroken}, status) || status == 0 && out.String() != id+"\n" {
			t.Errorf("apply of %s ended with %d, %q: %s", id, status, out.String(), said)
		}
		b.mu.Lock()
		b.ends[id] = status
		b.mu.Unlock()
		if status == exitUsage || status == exitBroken { // it may be that there is no pool
			b.poolStart(t)
		}
	}
}

// shoot kills a worker, or, one time of four, the supervisor.
func (b *besieged) shoot() {
	out, err := mpxIn(b.dir, "pool", "status", "--json", "p").Output()
	var st struct {
		Supervisor int
		Workers    []struct{ PID int }
	}
	if err != nil || json.Unmarshal(out, &st) != nil {
		return
	}
	pid, what := st.Supervisor, "__pool"
	if len(st.Workers) > 0 && rand.IntN(4) > 0 {
		pid, what = st.Workers[rand.IntN(len(st.Workers))].PID, "__worker"
	}
	if cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); bytes.Contains(cmdline, []byte(what)) && syscall.Kill(pid, syscall.SIGKILL) == nil {
		b.killed.Add(1)
	}
}

// Clients, workers and the supervisor are killed. Each task that ended well has run
// once, and any other once or not at all; a client is told, and never hangs; the pool
// can be started again; and nothing is left.
func TestKillPool(t *testing.T) {
	againAlone(t, func() int {
		b := &besieged{dir: t.TempDir(), ends: map[string]int{}}
		b.poolStart(t)
		over := make(chan struct{})
		var clients, shots sync.WaitGroup
		for n := range contenders {
			clients.Go(func() { b.client(t, fmt.Sprint(n), 15) })
		}
		shots.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(rand.N(40 * time.Millisecond)):
					b.shoot()
				}
			}
		})
		clients.Wait()
		close(over)
		shots.Wait()
		b.finish(t)
		b.count(t)
		wantNoObjects(t, b.dir)
		return int(b.killed.Load())
	})
}

// finish ends the pool.
func (b *besieged) finish(t *testing.T) {
	b.poolStart(t)
	for _, verb := range []string{"close", "join"} {
		if status, killed, said := runFor(mpxIn(b.dir, "pool", verb, "p"), patience); status != 0 || killed {
			t.Errorf("%s ended with %d: %s", verb, status, said)
		}
	}
	if !within(patience, func() bool {
		files, err := os.ReadDir(filepath.Join(b.dir, "objects"))
		return err == nil && len(files) == 0
	}) {
		t.Error("the pool has not taken its files away")
	}
}

// count counts what has run.
func (b *besieged) count(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(b.dir, "list"))
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for line := range strings.Lines(string(list)) {
		ran[strings.TrimSpace(line)]++
	}
	for id, status := range b.ends {
		if n := ran[id]; n > 1 || status == 0 && n != 1 || status == exitUsage && n != 0 {
			t.Errorf("%s ended with %d, and has run %d times", id, status, n)
		}
	}
}
