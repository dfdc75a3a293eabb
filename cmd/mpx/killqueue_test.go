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
	"syscall"
	"testing"
	"time"
)

// itemsEach is how many items a producer puts, every fifth of them a long one.
const itemsEach = 20

// leaseOne appends its item to the file $1 by one write. Some kill themselves, before
// or after that. It has a child in a session of its own, and both have a lock that is
// the item's: whoever meets another at that says so.
const leaseOne = `case $$ in *3) echo >>suicides; kill -9 $$;; esac
out=$1; set -- $(dd bs=32 count=1 status=none </proc/self/fd/0)
exec 9>"lock.$1.$2"
flock -n 9 || { echo "$1 $2" >>both; exit 1; }
setsid sleep 300 >/dev/null 2>&1 & child=$!
dd bs=1M of="$out" oflag=append conv=notrunc status=none
kill $child; wait $child
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
// half, and none twice, or late, but those that the killed had. No two commands work on
// an item at a time, and nothing that one has started outlives mpx.
func TestKillQueue(t *testing.T) {
	againAlone(t, func() int {
		q := &traffic{dir: t.TempDir()}
		create := []string{"queue", "create", "q", "--maxsize", strconv.Itoa(30 * rand.IntN(2))}
		if rand.IntN(2) == 0 {
			create = append(create, "--dir", filepath.Join(q.dir, "keep"))
		}
		if out, err := mpxIn(q.dir, create...).CombinedOutput(); err != nil {
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
	status, killed, said := q.run(t, "a producer", cmd, sometimes(30*time.Millisecond))
	if !killed && status != 0 {
		t.Errorf("a producer ended with %d: %s", status, said)
	}
	q.producers.Store(run, !killed)
}

// run is runFor, which counts kills. Who is still there after patience hangs.
func (q *traffic) run(t *testing.T, who string, cmd *exec.Cmd, limit time.Duration) (status int, killed bool, said string) {
	status, killed, said = runFor(cmd, limit)
	switch {
	case killed && limit == patience:
		t.Error(who, "hangs")
	case killed:
		q.kills.Add(1)
	}
	return status, killed, said
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
		shot := func() bool { return false }
		if lease && limit < patience && rand.IntN(2) == 0 {
			shot, limit = q.shootTwin(out.Name(), limit), patience
		}
		status, killed, said := q.run(t, "a consumer", cmd, limit)
		out.Close()
		hit := shot()
		if hit {
			q.kills.Add(1)
		}
		switch {
		case killed || hit:
			q.takers.Add(1)
		case status != 0:
			t.Errorf("a consumer ended with %d: %s", status, said)
		}
		over = status == 0
	}
}

// shootTwin kills, after limit, the process of mpx that does the work of the consumer
// with that file, as soon as there is one. The function that it returns, to be called
// when the consumer has ended, reports whether it did.
func (q *traffic) shootTwin(file string, limit time.Duration) (shot func() bool) {
	over, did := make(chan struct{}), make(chan bool)
	go func() {
		hit := false
		for pause := limit; !hit; pause = time.Millisecond {
			select {
			case <-over:
				did <- false
				return
			case <-time.After(pause):
			}
			forProcesses("MPX_DIR="+filepath.Join(q.dir, "objects"), q.dir, func(pid int, cmdline string) {
				if strings.Contains(cmdline, " "+twinArg+" ") && strings.Contains(cmdline, " "+file+" ") {
					hit = syscall.Kill(pid, syscall.SIGKILL) == nil || hit
				}
			})
		}
		did <- true
	}()
	return func() bool { close(over); return <-did }
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
	if both, err := os.ReadFile(filepath.Join(q.dir, "both")); err == nil {
		t.Errorf("two had an item at a time: %s", both)
	}
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
