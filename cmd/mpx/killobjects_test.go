package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Additions are killed. Those that end well have each done one, and got a number of
// their own; of the killed each has done one or none.
func TestKillValue(t *testing.T) {
	againAlone(t, func() int {
		dir := t.TempDir()
		if out, err := mpxIn(dir, "value", "create", "n").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var added, killed atomic.Int64
		var numbers sync.Map
		var all sync.WaitGroup
		for range contenders {
			all.Go(func() {
				for range 10 {
					addOne(t, dir, &numbers, &added, &killed)
				}
			})
		}
		all.Wait()
		out, err := mpxIn(dir, "value", "get", "n").Output()
		n, _ := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil || n < added.Load() || n > added.Load()+killed.Load() {
			t.Errorf("it is %d, %v; %d were added, %d killed", n, err, added.Load(), killed.Load())
		}
		wantNoObjects(t, dir)
		return int(killed.Load())
	})
}

func addOne(t *testing.T, dir string, numbers *sync.Map, added, killed *atomic.Int64) {
	cmd := mpxIn(dir, "value", "add", "n", "1")
	var out strings.Builder
	cmd.Stdout = &out
	status, was, said := runFor(cmd, sometimes(30*time.Millisecond))
	if _, again := numbers.LoadOrStore(out.String(), true); again && out.Len() > 0 {
		t.Errorf("two have got the number %s", out.String())
	}
	switch {
	case was:
		killed.Add(1)
	case status == 0:
		added.Add(1)
	default:
		t.Errorf("add ended with %d: %s", status, said)
	}
}

// sometimes is a limit of at most limit for every second process, patience for the
// others.
func sometimes(limit time.Duration) time.Duration {
	if rand.IntN(2) == 0 {
		return rand.N(limit)
	}
	return patience
}

const waitingParties = 4

// Parties are killed as they come to a barrier or wait there. Others come in their
// places. Of those that live all go on, each with a number of its own, or all are
// told that it is broken.
func TestKillParty(t *testing.T) {
	againAlone(t, func() (kills int) {
		dir := t.TempDir()
		for range 20 {
			kills += killParty(t, dir)
		}
		wantNoObjects(t, dir)
		return kills
	})
}

// A partyEnd is how one ended.
type partyEnd struct {
	status int
	killed bool
	out    string
}

func killParty(t *testing.T, dir string) (kills int) {
	wait := func(limit time.Duration) (e partyEnd) {
		cmd := mpxIn(dir, "barrier", "wait", "b", "-n", strconv.Itoa(waitingParties))
		var out strings.Builder
		cmd.Stdout = &out
		e.status, e.killed, _ = runFor(cmd, limit)
		e.out = out.String()
		return e
	}
	var ends [waitingParties]partyEnd
	var first, others sync.WaitGroup
	victims := 1 + rand.IntN(2)
	for i := range waitingParties {
		first.Go(func() {
			if i >= victims {
				ends[i] = wait(patience)
			} else if ends[i] = wait(rand.N(15 * time.Millisecond)); ends[i].killed {
				others.Go(func() { wait(patience) })
			}
		})
	}
	first.Wait()
	numbers := map[string]bool{}
	for i, e := range ends {
		switch {
		case e.killed && i < victims:
			kills++
		case e.killed:
			t.Errorf("party %d hangs", i)
		case e.status != ends[waitingParties-1].status:
			t.Errorf("the parties end differently: %v", ends)
		case e.status == 0 && numbers[e.out]:
			t.Errorf("two have the same number: %v", ends)
		case e.status > exitFailed:
			t.Errorf("party %d ended with %d", i, e.status)
		}
		numbers[e.out] = true
	}
	resetUntil(t, dir, &others)
	return kills
}

// resetUntil resets the barrier until none of these waits there any more.
func resetUntil(t *testing.T, dir string, waiting *sync.WaitGroup) {
	gone := make(chan struct{})
	go func() { waiting.Wait(); close(gone) }()
	for over := false; !over; {
		select {
		case <-gone:
			over = true
		case <-time.After(5 * time.Millisecond):
		}
		if out, err := mpxIn(dir, "barrier", "reset", "b").CombinedOutput(); err != nil {
			t.Errorf("reset: %v: %s", err, out)
			<-gone
			return
		}
	}
}

const (
	produce = `echo x >>list; exec mpx cond notify jobs`
	consume = `until test -s list; do mpx cond wait jobs || exit; done; sed 1d list >new && mv new list`
)

// Producers and consumers are killed, each with all that it has started: under the
// lock, at its condition, as they notify. All the same each consumer comes to its
// line, and there are as many lines as there should be.
func TestKillConsumer(t *testing.T) {
	againAlone(t, func() int {
		w := &works{dir: t.TempDir()}
		var consumers, producers sync.WaitGroup
		for range 4 {
			consumers.Go(func() {
				for range 8 {
					w.run(t, consume, &w.consumed)
				}
			})
		}
		over := make(chan struct{})
		producers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					w.run(t, produce, &w.produced)
				}
			}
		})
		consumers.Wait()
		close(over)
		producers.Wait()
		b, err := os.ReadFile(filepath.Join(w.dir, "list"))
		left, killed := int64(strings.Count(string(b), "x\n")), w.killed.Load()
		if should := w.produced.Load() - w.consumed.Load(); err != nil || left < should-killed || left > should+killed {
			t.Errorf("%d lines are left, %v, there should be %d; %d were killed", left, err, should, killed)
		}
		wantNoObjects(t, w.dir)
		return int(killed)
	})
}

// works counts what producers and consumers have done.
type works struct {
	dir                        string
	produced, consumed, killed atomic.Int64
}

// run runs a script under the lock, in a process group that is killed as a whole.
func (w *works) run(t *testing.T, script string, done *atomic.Int64) {
	cmd := mpxIn(w.dir, "lock", "jobs", "sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	limit := sometimes(80 * time.Millisecond)
	switch status, killed, said := runFor(cmd, limit); {
	case killed && limit == patience:
		t.Error("it hangs: ", script)
	case killed:
		w.killed.Add(1)
	case status == 0:
		done.Add(1)
	default:
		t.Errorf("%s ended with %d: %s", script, status, said)
	}
}
