package report

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mpx/internal/task"
)

var pageStart = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

// A sampleRun makes up results as a pool would: a slot runs one attempt after
// another, workers are replaced, what failed is tried again.
type sampleRun struct {
	tasks, slots int
	perWorker    int           // attempts until a slot's worker is replaced; 0: never
	mean         time.Duration // of run times
	bad          float64       // share of attempts that fail
	retries      uint32
}

func (s sampleRun) results() []task.Result {
	rnd := rand.New(rand.NewPCG(1, uint64(s.tasks)))
	free := make([]time.Duration, s.slots) // when a slot is free
	runs, worker, workers := make([]int, s.slots), make([]int, s.slots), 0
	var all []task.Result
	for seq := range uint64(s.tasks) {
		for attempt := uint32(1); ; attempt++ {
			slot := 0
			for i := range free {
				if free[i] < free[slot] {
					slot = i
				}
			}
			if s.perWorker > 0 && runs[slot]%s.perWorker == 0 || worker[slot] == 0 {
				workers++
				worker[slot] = workers
			}
			runs[slot]++
			res := s.attempt(rnd, seq+1, attempt)
			res.Slot, res.Worker, res.Start = slot+1, worker[slot], pageStart.Add(free[slot])
			free[slot] += res.Elapsed + s.mean/100
			res.Again = res.Status != task.OK && attempt <= s.retries
			all = append(all, res)
			if !res.Again {
				break
			}
		}
	}
	return all
}

// attempt makes up how an attempt ends.
func (s sampleRun) attempt(rnd *rand.Rand, seq uint64, attempt uint32) task.Result {
	res := task.Result{Task: task.Task{Seq: seq, Attempt: attempt}, Elapsed: time.Duration((.1 + rnd.ExpFloat64()) * float64(s.mean))}
	res.Usage = task.Usage{User: res.Elapsed / 2, System: res.Elapsed / 9, MaxRSS: 3<<20 + rnd.Int64N(90<<20), Known: true}
	if rnd.Float64() >= s.bad {
		return res
	}
	stderr := "reading input\n\x1b[31merror:\x1b[0m cannot read <it> & go on\r\n"
	switch rnd.IntN(6) {
	case 0:
		res.Status = task.TimedOut
		res.Elapsed = 3 * s.mean
	case 1:
		res.Status, res.Usage = task.Lost, task.Usage{}
	case 2:
		res.Status, res.Signal = task.Signalled, 9
	default:
		res.Status, res.Exit = task.Failed, 1+rnd.IntN(3)
		for i := range rnd.IntN(60) {
			stderr += fmt.Sprintf("  at line %d\n", i)
		}
	}
	res.Stderr = task.Bytes([]byte(stderr))
	return res
}

// notRun returns n results of tasks that never ran.
func notRun(n int, status ...task.Status) []task.Result {
	var all []task.Result
	for i := range n {
		all = append(all, task.Result{Task: task.Task{Seq: uint64(i + 1), Attempt: 1}, Status: status[i%len(status)]})
	}
	return all
}

// pageOf returns the page about a run with the results, made by a Report.
func pageOf(t testing.TB, jobs int, results []task.Result) string {
	t.Helper()
	return pageWith(t, PageOptions{
		Title: "mpx map -j4 --retries 1 convert {} {.}.png ::: <files>", Version: "1.0", Jobs: jobs,
		Command: func(t *task.Task, _ int) string { return fmt.Sprintf("convert 'photo %d.jpg' %d.png", t.Seq, t.Seq) },
	}, results)
}

func pageWith(t testing.TB, o PageOptions, results []task.Result) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	p, err := OpenPage(path, o)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Options{Stdout: io.Discard, Stderr: io.Discard, Mode: Quiet, Records: []Recorder{p}})
	if _, err := r.Add(results); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
