package pool_test

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"

	"pgregory.net/rapid"
)

// A task of the model is told in its record what to do in each attempt: a word
// each, ok after the last.
const player = `set -- $1; shift $((MPX_ATTEMPT - 1)) 2>/dev/null || set --
case ${1:-ok} in
ok) exit 0 ;;
lost) kill -9 $MPX_WORKER_PID; exec sleep 99 ;;
signal) kill -9 $$ ;;
timeout) exec sleep 99 ;;
*) exit $1 ;;
esac`

// A policy is what the model knows of pool.Config.
type policy struct {
	retries, retryLost int
	only3              bool // retry only after exit status 3
	delay              time.Duration
	maxTasks           int
	memory             int64
	age                time.Duration
	initializer        []string
	halt               pool.Halt
}

// timeLimit is of all attempts. Those that end by themselves take a few milliseconds.
const timeLimit = 300 * time.Millisecond

func (p *policy) config(jobs int) pool.Config {
	cfg := shell(player)
	cfg.Jobs, cfg.Grace = jobs, 0
	cfg.Timeout = timeLimit
	cfg.Retries, cfg.RetryLost, cfg.Halt = p.retries, p.retryLost, p.halt
	cfg.RetryDelay, cfg.MaxTasksPerChild = p.delay, p.maxTasks
	cfg.MaxWorkerMemory, cfg.MaxWorkerAge, cfg.Initializer = p.memory, p.age, p.initializer
	if p.only3 {
		cfg.RetryOn = func(r *task.Result) bool { return r.Exit == 3 }
	}
	return cfg
}

// ending returns how an attempt that does word ends.
func ending(word string) (st task.Status, exit int) {
	switch word {
	case "ok":
		return task.OK, 0
	case "lost":
		return task.Lost, 0
	case "signal":
		return task.Signalled, 0
	case "timeout":
		return task.TimedOut, 0
	}
	_, _ = fmt.Sscan(word, &exit)
	return task.Failed, exit
}

// attempts returns how many attempts a task has that nothing cuts short.
func (p *policy) attempts(words []string) int {
	failed, lost := 0, 0
	for n := 0; ; n++ {
		st, exit := ending(wordAt(words, n))
		switch {
		case st == task.Lost && lost < p.retryLost:
			lost++
		case st != task.OK && st != task.Lost && failed < p.retries && (!p.only3 || exit == 3):
			failed++
		default:
			return n + 1
		}
	}
}

func wordAt(words []string, n int) string {
	if n < len(words) {
		return words[n]
	}
	return "ok"
}

func drawPolicy(t *rapid.T) policy {
	p := policy{
		retries:   rapid.IntRange(0, 2).Draw(t, "retries"),
		retryLost: rapid.IntRange(0, 2).Draw(t, "retryLost"),
		only3:     rapid.Bool().Draw(t, "only3"),
		delay:     time.Duration(rapid.IntRange(0, 5).Draw(t, "delay")) * time.Millisecond,
		maxTasks:  rapid.IntRange(0, 3).Draw(t, "maxTasks"),
		memory:    rapid.SampledFrom([]int64{0, 0, 1, 1 << 40}).Draw(t, "memory"),
		age:       rapid.SampledFrom([]time.Duration{0, 0, 1, 5 * time.Millisecond, time.Hour}).Draw(t, "age"),
	}
	if rapid.Bool().Draw(t, "initializes") {
		p.initializer = []string{"true"}
	}
	if rapid.Bool().Draw(t, "halts") {
		p.halt = pool.Halt{
			On:    rapid.SampledFrom([]pool.HaltOn{pool.HaltFail, pool.HaltSuccess, pool.HaltDone}).Draw(t, "on"),
			Count: rapid.IntRange(1, 4).Draw(t, "count"),
			Now:   rapid.Bool().Draw(t, "now"),
		}
	}
	return p
}

// drawTasks returns tasks, few of whose attempts cost much time.
func drawTasks(t *rapid.T) [][]string {
	word := rapid.SampledFrom([]string{"ok", "ok", "ok", "ok", "1", "3", "3", "signal", "lost", "timeout"})
	return rapid.SliceOfN(rapid.SliceOfN(word, 0, 4), 1, 10).Draw(t, "tasks")
}

// Whatever tasks do and whatever the policy, each task has one outcome in one
// result, after as many attempts as the model says; or fewer if the pool halted
// or was stopped.
func TestPolicies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pol, tasks := drawPolicy(rt), drawTasks(rt)
		jobs := rapid.IntRange(1, 3).Draw(rt, "jobs")
		stop := rapid.IntRange(-20, 20).Draw(rt, "stopAfter") // ms; negative: never
		cfg := pol.config(jobs)
		cfg.Store = task.NewStore("")
		defer cfg.Store.Close()
		events := newLedger()
		cfg.Watch = events.add
		p, err := pool.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		s, err := p.Stream(&words{tasks: tasks})
		if err != nil {
			rt.Fatal(err)
		}
		if stop >= 0 {
			time.AfterFunc(time.Duration(stop)*time.Millisecond, func() { p.Stop(syscall.SIGKILL, 0) })
		}
		p.Close()
		final, again, slow := takeResults(rt, s, tasks)
		if err := p.Join(); err != nil {
			rt.Fatal(err)
		}
		if slow { // the machine is so busy that anything may take that long
			return
		}
		checkOutcomes(rt, &pol, tasks, final, again, stop >= 0 || p.Halted())
		if stop < 0 {
			checkHalt(rt, &pol, tasks, p.Halted(), jobs, final)
		}
		events.check(rt, final, again)
	})
}

// words is the source of the model's tasks.
type words struct{ tasks [][]string }

func (w *words) Next() ([]task.Task, error) {
	var out []task.Task
	for _, t := range w.tasks {
		out = append(out, task.Task{Values: list(strings.Join(t, " "))})
	}
	if w.tasks = nil; out == nil {
		return nil, io.EOF
	}
	return out, nil
}

// takeResults returns the outcomes by task number, how many attempts of each came before,
// and whether one was over the time limit that should not have been.
func takeResults(t *rapid.T, s *pool.Stream, tasks [][]string) (final map[uint64]task.Result, again map[uint64]int, slow bool) {
	final, again = map[uint64]task.Result{}, map[uint64]int{}
	for {
		batch, err := s.Next()
		if err != nil {
			if err != io.EOF && err != pool.ErrTerminated {
				t.Fatal(err)
			}
			return final, again, slow
		}
		for _, r := range batch {
			r.Release()
			if r.Status == task.TimedOut && wordAt(tasks[r.Seq-1], int(r.Attempt)-1) != "timeout" {
				if slow = true; r.Elapsed < timeLimit {
					t.Fatalf("task %d has timed out after %v", r.Seq, r.Elapsed)
				}
			}
			if _, twice := final[r.Seq]; twice {
				t.Fatalf("task %d has a result after its outcome: %+v", r.Seq, r)
			}
			if r.Again {
				again[r.Seq]++
				continue
			}
			final[r.Seq] = r
		}
		s.Release(len(batch))
	}
}

func checkOutcomes(t *rapid.T, pol *policy, tasks [][]string, final map[uint64]task.Result, again map[uint64]int, short bool) {
	if len(final) != len(tasks) && (!short || len(final) > 0) { // stopped before the source was read: none
		t.Fatalf("%d of %d tasks have an outcome", len(final), len(tasks))
	}
	for seq, r := range final {
		words := tasks[seq-1]
		full := pol.attempts(words)
		if again[seq] > full-1 || !short && again[seq] != full-1 {
			t.Fatalf("task %d %q: %d attempts before its outcome, want %d", seq, words, again[seq], full-1)
		}
		if r.Status == task.Skipped || r.Status == task.Cancelled {
			if !short {
				t.Fatalf("task %d %q is %v", seq, words, r.Status)
			}
			continue
		}
		if n := int(r.Attempt); n != again[seq]+1 {
			t.Fatalf("task %d %q: attempt %d is its outcome after %d others", seq, words, n, again[seq])
		}
		st, exit := ending(wordAt(words, int(r.Attempt)-1))
		if stoppedIt := short && r.Status == task.Lost; (r.Status != st || r.Exit != exit) && !stoppedIt {
			t.Fatalf("task %d %q: attempt %d is %v (exit %d), want %v (%d)", seq, words, r.Attempt, r.Status, r.Exit, st, exit)
		}
	}
}

// checkHalt: the pool halts exactly if there is reason to, and with one worker
// nothing begins after that.
func checkHalt(t *rapid.T, pol *policy, tasks [][]string, halted bool, jobs int, final map[uint64]task.Result) {
	n, last := 0, time.Time{}
	for seq, r := range final {
		if halted && int(r.Attempt) < pol.attempts(tasks[seq-1]) {
			continue // it waited for its next attempt when the pool halted: its outcome is not why
		}
		good := r.Status == task.OK
		bad := !good && r.Status != task.Skipped && r.Status != task.Cancelled
		if pol.halt.On == pool.HaltFail && bad || pol.halt.On == pool.HaltSuccess && good || pol.halt.On == pool.HaltDone && (good || bad) {
			n++
			if end := r.Start.Add(r.Elapsed); end.After(last) {
				last = end
			}
		}
	}
	if want := pol.halt.On != pool.HaltNever && n >= pol.halt.Count; halted != want {
		t.Fatalf("halted is %v after %d for %+v", halted, n, pol.halt)
	}
	if !halted || jobs > 1 {
		return
	}
	if n != pol.halt.Count {
		t.Fatalf("one worker: %d outcomes for %+v", n, pol.halt)
	}
	for seq, r := range final {
		if r.Start.After(last) {
			t.Fatalf("task %d began after the pool had halted", seq)
		}
	}
}
