package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mpx/internal/task"
)

func TestInputOrder(t *testing.T) {
	var s screen
	r := New(s.options())
	for _, step := range []struct {
		seq  uint64
		done int
		out  string
	}{
		{3, 0, ""},
		{2, 0, ""},
		{1, 3, "1\n2\n3\n"},
		{4, 1, "1\n2\n3\n4\n"},
	} {
		if n := mustAdd(t, r, result(step.seq, fmt.Sprintln(step.seq), "")); n != step.done {
			t.Errorf("task %d: %d delivered, want %d", step.seq, n, step.done)
		}
		s.want(t, step.out, "")
	}
}

func TestCompletionOrder(t *testing.T) {
	var s screen
	o := s.options()
	o.Order = Completion
	r := New(o)
	if n := mustAdd(t, r, result(3, "3\n", ""), result(1, "1\n", "")); n != 2 {
		t.Errorf("%d delivered, want 2", n)
	}
	s.want(t, "3\n1\n", "")
}

// A run that ends early leaves gaps: what there is comes in order all the same.
func TestCloseSkipsGaps(t *testing.T) {
	var s screen
	r := New(s.options())
	mustAdd(t, r, result(9, "9", ""), result(2, "2", "e"), result(5, "5", ""))
	s.want(t, "", "")
	if sum := mustClose(t, r); sum.Total != 3 || sum.OK != 3 {
		t.Errorf("summary %+v", sum)
	}
	s.want(t, "259", "e")
}

func TestGroupedBytesUnchanged(t *testing.T) {
	var s screen
	r := New(s.options())
	mustAdd(t, r, result(1, "a", "x"), result(2, "\x00\xff\n\n", ""), result(3, "b", "y\n"))
	mustClose(t, r)
	s.want(t, "a\x00\xff\n\nb", "xy\n")
}

// Where both streams are one file, a task's stdout stands before its stderr
// and after that of the task before.
func TestStreamsInterleave(t *testing.T) {
	var l log
	r := New(Options{Stdout: logStream{&l, "out"}, Stderr: logStream{&l, "err"}})
	mustAdd(t, r, result(1, "1", "e1"), result(2, "2", ""), result(3, "3", "e3"), result(4, "4", ""))
	want := []string{`out "1"`, `err "e1"`, `out "23"`, `err "e3"`, `out "4"`}
	if d := cmp.Diff(want, l.writes); d != "" {
		t.Error(d)
	}
}

func TestFewWrites(t *testing.T) {
	var l log
	r := New(Options{Stdout: logStream{&l, "out"}, Stderr: io.Discard})
	var batch []task.Result
	for i := range uint64(10_000) {
		batch = append(batch, result(i+1, "some words\n", ""))
	}
	mustAdd(t, r, batch...)
	if len(l.writes) > 3 {
		t.Errorf("110 KB in %d writes", len(l.writes))
	}
	before := len(l.writes)
	mustAdd(t, r, result(10_001, "x", ""))
	if len(l.writes) != before+1 {
		t.Error("a single result does not appear at once")
	}
}

func TestTag(t *testing.T) {
	for _, c := range []struct{ out1, out2, want string }{
		{"a\nb\n", "c\n", "1\ta\n1\tb\n2\tc\n"},
		{"a\nb", "c", "1\ta\n1\tb\n2\tc"},
		{"a", "", "1\ta"},
		{"", "c", "2\tc"},
		{"\n\n", "\nx", "1\t\n1\t\n2\t\n2\tx"},
	} {
		var s screen
		o := s.options()
		o.Tag = recordTag
		r := New(o)
		mustAdd(t, r, result(1, c.out1, c.out1), result(2, c.out2, c.out2))
		mustClose(t, r)
		s.want(t, c.want, c.want)
	}
}

func TestTagSpilled(t *testing.T) {
	store := newStore(t)
	var s screen
	o := s.options()
	o.Tag = recordTag
	r := New(o)
	res := result(1, "", "")
	res.Stdout = spilled(t, store, "\nb\nc")
	mustAdd(t, r, res, result(2, "d", ""))
	s.want(t, "1\t"+strings.Repeat("x", 64<<10)+"\n1\tb\n1\tc\n2\td", "")
}

func TestNothingPrinted(t *testing.T) {
	for _, mode := range []Mode{Ungrouped, Quiet} {
		var s screen
		o := s.options()
		o.Mode = mode
		r := New(o)
		res := result(7, "out", "err")
		res.Note = "look"
		if n := mustAdd(t, r, res); n != 1 {
			t.Errorf("mode %d: result held back", mode)
		}
		if sum := mustClose(t, r); sum.OK != 1 {
			t.Errorf("mode %d: not counted", mode)
		}
		s.want(t, "", "mpx: look\n")
	}
}

// Whatever is released is released: the store can be filled again and again.
func TestOutputsReleased(t *testing.T) {
	store := newStore(t)
	r := New(Options{Stdout: io.Discard, Stderr: io.Discard})
	big := make([]byte, 60<<10)
	for i := range uint64(400) {
		res := result(i^1+1, "", "")
		if err := res.Stdout.Append(store, big); err != nil {
			t.Fatal(err)
		}
		if _, ok := res.Stdout.Mem(); !ok {
			t.Fatalf("task %d spilled: earlier outputs are still held", i)
		}
		mustAdd(t, r, res)
	}
}

func TestStdoutFails(t *testing.T) {
	for _, mode := range []Mode{Grouped, JSON} {
		w := &fullWriter{room: 3}
		var stderr bytes.Buffer
		r := New(Options{Stdout: w, Stderr: &stderr, Mode: mode, Tag: recordTag})
		total := 0
		for seq := uint64(10); seq > 0; seq-- {
			n, err := r.Add([]task.Result{result(seq, strings.Repeat("y", 100_000), "e\n")})
			total += n
			if we := (*WriteError)(nil); seq == 1 && (!errors.As(err, &we) || we.Stream != "stdout" || !errors.Is(err, errFull)) {
				t.Errorf("Add says %v", err)
			}
		}
		if _, err := r.Close(); !errors.Is(err, errFull) {
			t.Errorf("Close says %v", err)
		}
		if total != 10 || w.after > 0 || len(w.got) != 3 {
			t.Errorf("%d delivered, %d writes after the error, %q written", total, w.after, w.got)
		}
		if mode == Grouped && strings.Count(stderr.String(), "e\n") != 10 {
			t.Errorf("stderr is %q", stderr.String())
		}
	}
}

func TestStderrFails(t *testing.T) {
	w := &fullWriter{}
	var stdout bytes.Buffer
	r := New(Options{Stdout: &stdout, Stderr: w})
	mustAdd(t, r, result(1, "1", "e"), result(2, "2", "e"))
	var we *WriteError
	if _, err := r.Close(); !errors.As(err, &we) || we.Stream != "stderr" {
		t.Errorf("Close says %v", err)
	}
	if stdout.String() != "12" || w.after > 0 {
		t.Errorf("stdout %q, %d writes after the error", &stdout, w.after)
	}
}

// Output that cannot be read back costs that task's output, no more.
func TestLostSpill(t *testing.T) {
	store := task.NewStore(t.TempDir())
	lost := result(1, "", "")
	lost.Stdout = spilled(t, store, "y")
	store.Close()
	var s screen
	r := New(s.options())
	n, err := r.Add([]task.Result{result(2, "2", ""), lost})
	if n != 2 || err == nil || !strings.Contains(err.Error(), "stdout of task 1") {
		t.Errorf("%d delivered, %v", n, err)
	}
	if mustClose(t, r); !strings.HasSuffix(s.out.String(), "2") {
		t.Error("task 2 is missing")
	}
}

func TestAddDoesNotAllocate(t *testing.T) {
	r := New(Options{Stdout: io.Discard, Stderr: io.Discard, Tag: recordTag})
	batch, seq := benchBatch(64), uint64(0)
	allocs := testing.AllocsPerRun(100, func() { seq = refill(batch, seq); r.Add(batch) })
	if allocs != 0 {
		t.Errorf("%v allocations for 64 results", allocs)
	}
}

// Many callers at once: every result comes out, whole and in order.
func TestConcurrent(t *testing.T) {
	var s screen
	r := New(s.options())
	const n = 2000
	var want strings.Builder
	for i := range n {
		fmt.Fprintf(&want, "%d\n", i+1)
	}
	var wg sync.WaitGroup
	for g := range uint64(4) {
		wg.Go(func() {
			for seq := g + 1; seq <= n; seq += 4 {
				r.Add([]task.Result{result(seq, fmt.Sprintln(seq), "")})
				r.Notice("same", "")
			}
		})
	}
	wg.Wait()
	mustClose(t, r)
	s.want(t, want.String(), "mpx: same\nmpx: (and 1,999 more like: same)\n")
}

func benchBatch(n int) []task.Result {
	return slices.Repeat([]task.Result{result(0, "", "")}, n)
}

var benchOutput = []byte("some words of output\n")

// refill makes batch the n tasks after seq.
func refill(batch []task.Result, seq uint64) uint64 {
	for i := range batch {
		seq++
		batch[i].Seq, batch[i].Stdout = seq, task.Bytes(benchOutput)
	}
	return seq
}

func BenchmarkAdd(b *testing.B) {
	noCommand := func(*task.Task, int) []string { return nil }
	for _, c := range []struct {
		name    string
		o       Options
		reverse bool
	}{
		{"grouped", Options{}, false},
		{"grouped/reverse", Options{}, true},
		{"unordered", Options{Order: Completion}, false},
		{"tagged", Options{Tag: recordTag}, false},
		{"json", Options{Mode: JSON, Command: noCommand}, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.o.Stdout, c.o.Stderr = io.Discard, io.Discard
			r := New(c.o)
			batch, seq := benchBatch(64), uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				seq = refill(batch, seq)
				if c.reverse {
					slices.Reverse(batch)
				}
				r.Add(batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/result")
		})
	}
}
