package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// itemsEach is how many items a producer puts, every fifth of them a long one.
const itemsEach = 20

// leaseOne appends its item to the file $1 by one write. Some kill themselves, before
// or after that.
const leaseOne = `case $$ in *3) echo >>suicides; kill -9 $$;; esac
dd bs=1M of="$1" oflag=append conv=notrunc status=none
case $$ in *7) echo >>suicides; kill -9 $$;; esac`

// A traffic is that of producers and consumers of a queue, who are killed.
type traffic struct {
	dir       string
	runs      atomic.Int64
	producers sync.Map     // of each run: whether it has ended well (bool)
	kills     atomic.Int64 // of all
	takers    atomic.Int64 // of consumers
	closed    atomic.Bool
}

// Producers, consumers, and the commands that have an item are killed. No item is lost
// of who has ended well, and of the others the first ones are there; none is there by
// half, and none twice, or late, but those that the killed had.
func TestKillQueue(t *testing.T) {
	againAlone(t, func() int {
		q := &traffic{dir: t.TempDir()}
		if out, err := mpxIn(q.dir, "queue", "create", "q", "--maxsize", strconv.Itoa(30*rand.IntN(2))).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var producers, consumers sync.WaitGroup
		for i := range 4 {
			consumers.Go(func() { q.consume(t, i%2 == 0) })
			producers.Go(func() {
				for range 8 {
					q.produce(t)
				}
			})
		}
		producers.Wait()
		q.closed.Store(true)
		if out, err := mpxIn(q.dir, "queue", "close", "q").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		consumers.Wait()
		wantNoObjects(t, q.dir)
		q.check(t)
		return int(q.kills.Load())
	})
}

// item is item n of a producer's run; it ends in a newline.
func item(run int64, n int) string {
	pad := n
	if n%5 == 4 {
		pad = 70_000
	}
	return fmt.Sprintf("@%d %d %s\n", run, n, strings.Repeat("x", pad))
}

func (q *traffic) produce(t *testing.T) {
	run := q.runs.Add(1)
	var in bytes.Buffer
	for n := range itemsEach {
		in.WriteString(item(run, n) + "\x00")
	}
	cmd := mpxIn(q.dir, "queue", "put", "-0", "q")
	cmd.Stdin = &in
	limit := sometimes(30 * time.Millisecond)
	status, killed, said := runFor(cmd, limit)
	switch {
	case killed && limit == patience:
		t.Error("a producer hangs")
	case killed:
		q.kills.Add(1)
	case status != 0:
		t.Errorf("a producer ended with %d: %s", status, said)
	}
	q.producers.Store(run, !killed)
}

// consume gets items until the end, by consumers that are killed until the queue is
// closed.
func (q *traffic) consume(t *testing.T, lease bool) {
	for over := false; !over && !t.Failed(); {
		// Of all sizes: some get an item however slowly a process starts here, else the
		// producers of a queue that is full would wait for ever.
		limit := rand.N(2 * time.Millisecond << rand.IntN(11))
		if q.closed.Load() {
			limit = patience
		}
		cmd, out := q.consumer(t, lease)
		status, killed, said := runFor(cmd, limit)
		out.Close()
		over = !killed
		switch {
		case killed && limit == patience:
			t.Error("a consumer hangs")
		case killed:
			q.kills.Add(1)
			q.takers.Add(1)
		case status != 0:
			t.Errorf("a consumer ended with %d: %s", status, said)
		}
	}
}

// consumer is one whose items go to a file of its own.
func (q *traffic) consumer(t *testing.T, lease bool) (*exec.Cmd, *os.File) {
	out, err := os.CreateTemp(q.dir, "got.")
	if err != nil {
		t.Error(err)
	}
	if lease {
		return mpxIn(q.dir, "queue", "get", "--follow", "--stdin", "q", "sh", "-c", leaseOne, "sh", out.Name()), out
	}
	cmd := mpxIn(q.dir, "queue", "get", "--follow", "--raw", "q")
	cmd.Stdout = out
	return cmd, out
}

// check looks at all that has been got.
func (q *traffic) check(t *testing.T) {
	t.Helper()
	suicides, _ := os.ReadFile(filepath.Join(q.dir, "suicides"))
	q.kills.Add(int64(len(suicides)))
	most := int(q.takers.Load()) + len(suicides)
	files, _ := filepath.Glob(filepath.Join(q.dir, "got.*"))
	came := map[int64]map[int]int{}
	torn, late := 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		last := map[int64]int{}
		for _, text := range strings.Split(string(b), "@")[1:] {
			var run int64
			var n int
			if _, err := fmt.Sscanf(text, "%d %d ", &run, &n); err != nil || "@"+text != item(run, n) {
				torn++
				continue
			}
			if came[run] == nil {
				came[run] = map[int]int{}
			}
			came[run][n]++
			if n < last[run] {
				late++
			}
			last[run] = max(last[run], n)
		}
	}
	twice := q.count(t, came)
	if torn > most || late > most || twice > most {
		t.Errorf("%d came in part, %d late, %d twice; %d were killed that had one", torn, late, twice, most)
	}
}

// count checks that all that should have come has, and returns how much has come again.
func (q *traffic) count(t *testing.T, came map[int64]map[int]int) (twice int) {
	for run := range q.runs.Load() {
		run++
		well, _ := q.producers.Load(run)
		for n := range itemsEach {
			times := came[run][n]
			if times == 0 && (well.(bool) || n < len(came[run])) {
				t.Errorf("item %d of producer %d is lost; of it came %d; it ended well: %v", n, run, len(came[run]), well)
			}
			twice += max(0, times-1)
		}
	}
	return twice
}
