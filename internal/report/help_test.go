package report

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"mpx/internal/task"
)

// A screen takes what a Report writes.
type screen struct {
	out, err bytes.Buffer
}

func (s *screen) options() Options { return Options{Stdout: &s.out, Stderr: &s.err} }

func (s *screen) want(t testing.TB, out, err string) {
	t.Helper()
	if got := s.out.String(); got != out {
		t.Errorf("stdout is %q\nwant %q", got, out)
	}
	if got := s.err.String(); got != err {
		t.Errorf("stderr is %q\nwant %q", got, err)
	}
}

// result returns a task that ended well; its record is its number.
func result(seq uint64, out, err string) task.Result {
	return task.Result{
		Task:   task.Task{Seq: seq, Attempt: 1, Values: task.One([]byte(strconv.FormatUint(seq, 10)))},
		Stdout: task.Bytes([]byte(out)),
		Stderr: task.Bytes([]byte(err)),
		Worker: 1,
		Slot:   1,
	}
}

// spilled returns an output of s that is not in memory.
func spilled(t testing.TB, store *task.Store, s string) task.Output {
	t.Helper()
	var o task.Output
	filler := strings.Repeat("x", 64<<10)
	for _, p := range []string{filler, s} {
		if err := o.Append(store, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := o.Mem(); ok {
		t.Fatal("the output did not spill")
	}
	return o
}

func newStore(t testing.TB) *task.Store {
	s := task.NewStore(t.TempDir())
	t.Cleanup(func() { s.Close() })
	return s
}

func mustAdd(t testing.TB, r *Report, batch ...task.Result) int {
	t.Helper()
	n, err := r.Add(batch)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustClose(t testing.TB, r *Report) Summary {
	t.Helper()
	sum, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func recordTag(t *task.Task, _ int) []byte { return t.Values.At(0) }

// A log tells the order of writes to several streams.
type log struct{ writes []string }

type logStream struct {
	*log
	name string
}

func (l logStream) Write(p []byte) (int, error) {
	l.writes = append(l.writes, fmt.Sprintf("%s %q", l.name, p))
	return len(p), nil
}

var errFull = errors.New("no space left")

// A fullWriter takes room bytes and fails from then on.
type fullWriter struct {
	got    []byte
	room   int
	failed bool
	after  int // writes after the first that failed
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.failed {
		w.after++
	}
	n := min(len(p), w.room)
	w.got = append(w.got, p[:n]...)
	if w.room -= n; n < len(p) {
		w.failed = true
		return n, errFull
	}
	return n, nil
}

// retried adds res as an attempt that another one follows.
func retried(t *testing.T, r *Report, res task.Result) {
	t.Helper()
	res.Again = true
	if n, err := r.Add([]task.Result{res}); n != 0 || err != nil {
		t.Fatalf("Add of an attempt: %d delivered, %v", n, err)
	}
}
