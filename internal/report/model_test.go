package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mpx/internal/task"
)

// A modelTask is what a task writes, in pieces.
type modelTask struct {
	seq      uint64
	out, err []string
}

func (m *modelTask) text(stderr bool) string {
	if stderr {
		return strings.Join(m.err, "")
	}
	return strings.Join(m.out, "")
}

func drawTasks(t *rapid.T) []modelTask {
	piece := rapid.SampledFrom([]string{"a", "b\n", "\n", "c\nd", "\xff\x00\n", strings.Repeat("long ", 14_000), strings.Repeat(strings.Repeat("y", 999)+"\n", 70)})
	pieces := rapid.SliceOfN(piece, 0, 4)
	tasks := make([]modelTask, rapid.IntRange(0, 8).Draw(t, "n"))
	for i := range tasks {
		tasks[i] = modelTask{uint64(i + 1), pieces.Draw(t, "out"), pieces.Draw(t, "err")}
	}
	return tasks
}

// model is what a stream holds when the tasks are printed in the order given.
func model(tasks []modelTask, stderr, tagged, apart bool) string {
	var b strings.Builder
	for _, m := range tasks {
		text := m.text(stderr)
		if text == "" {
			continue
		}
		if apart && b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
			b.WriteByte('\n')
		}
		for line := range strings.Lines(text) {
			if tagged {
				fmt.Fprintf(&b, "%d\t", m.seq)
			}
			b.WriteString(line)
		}
	}
	return b.String()
}

func finished(t *rapid.T, store *task.Store, m modelTask) task.Result {
	res := result(m.seq, "", "")
	for _, p := range m.out {
		if err := res.Stdout.Append(store, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range m.err {
		if err := res.Stderr.Append(store, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	return res
}

// Whatever the order in which tasks end, and in whatever batches they come,
// what is printed is the model.
func TestGroupedProperty(t *testing.T) {
	store := newStore(t)
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawTasks(t)
		ended := rapid.Permutation(tasks).Draw(t, "ended")
		tagged := rapid.Bool().Draw(t, "tagged")
		order := rapid.SampledFrom([]Order{Input, Completion}).Draw(t, "order")
		var s screen
		o := s.options()
		if o.Order = order; tagged {
			o.Tag = recordTag
		}
		r := New(o)
		delivered := 0
		for rest := ended; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			var batch []task.Result
			for _, m := range rest[:n] {
				batch = append(batch, finished(t, store, m))
			}
			d, err := r.Add(batch)
			if err != nil {
				t.Fatal(err)
			}
			delivered += d
			rest = rest[n:]
		}
		if delivered != len(tasks) {
			t.Fatalf("%d of %d delivered", delivered, len(tasks))
		}
		printed := tasks
		if order == Completion {
			printed = ended
		}
		same(t, "stdout", s.out.String(), model(printed, false, tagged, tagged))
		same(t, "stderr", s.err.String(), model(printed, true, tagged, tagged))
	})
}

func same(t *rapid.T, name, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s has %d bytes, want %d: %.200q, want %.200q", name, len(got), len(want), got, want)
	}
}

// Tasks write in turns as it happens. With input order the whole is as if they
// were grouped; without, each line is whole and each task's lines are in order.
func TestLiveProperty(t *testing.T) {
	store := newStore(t)
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawTasks(t)
		order := rapid.SampledFrom([]Order{Input, Completion}).Draw(t, "order")
		var s screen
		o := s.options()
		o.Mode, o.Order, o.Tag, o.Store = LineBuffered, order, recordTag, store
		r := New(o)
		playLive(t, r, tasks)
		for stderr, buf := range map[bool]*bytes.Buffer{false: &s.out, true: &s.err} {
			if order == Input {
				same(t, "stream", buf.String(), model(tasks, stderr, true, true))
				continue
			}
			for i, m := range tasks {
				same(t, "task's lines", linesOf(buf.String(), m.seq), strings.TrimSuffix(model(tasks[i:i+1], stderr, true, true), "\n"))
			}
		}
	})
}

// playLive gives r the pieces of tasks, in some order, and their results.
func playLive(t *rapid.T, r *Report, tasks []modelTask) {
	type state struct{ out, err []string }
	left := map[uint64]*state{}
	var running []uint64
	for _, m := range tasks {
		left[m.seq] = &state{m.out, m.err}
		running = append(running, m.seq)
	}
	delivered := 0
	for len(running) > 0 {
		i := rapid.IntRange(0, len(running)-1).Draw(t, "who")
		st, res := left[running[i]], result(running[i], "", "")
		var err error
		switch {
		case len(st.out) > 0 && (len(st.err) == 0 || rapid.Bool().Draw(t, "stdout")):
			err = r.Live(&res.Task, 1, false, []byte(st.out[0]))
			st.out = st.out[1:]
		case len(st.err) > 0:
			err = r.Live(&res.Task, 1, true, []byte(st.err[0]))
			st.err = st.err[1:]
		default:
			var n int
			n, err = r.Add([]task.Result{res})
			delivered += n
			running = slices.Delete(running, i, i+1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Close(); err != nil || delivered != len(tasks) {
		t.Fatalf("%d of %d delivered, %v", delivered, len(tasks), err)
	}
}

// linesOf returns the lines of s with seq's tag, without the last newline:
// that one is there when another task's line follows.
func linesOf(s string, seq uint64) string {
	var b strings.Builder
	tag := fmt.Sprintf("%d\t", seq)
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, tag) {
			b.WriteString(line)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Writers that fail anywhere neither stop the bookkeeping nor are written to
// again, and hold a beginning of what they would have held.
func TestFailingWriterProperty(t *testing.T) {
	store := newStore(t)
	rapid.Check(t, func(t *rapid.T) {
		tasks := drawTasks(t)
		mode := rapid.SampledFrom([]Mode{Grouped, JSON, LineBuffered}).Draw(t, "mode")
		out := &fullWriter{room: rapid.IntRange(0, 200_000).Draw(t, "room")}
		err := &fullWriter{room: rapid.IntRange(0, 200_000).Draw(t, "room")}
		r := New(Options{Stdout: out, Stderr: err, Mode: mode, Store: store})
		delivered := 0
		for _, m := range rapid.Permutation(tasks).Draw(t, "ended") {
			n, _ := r.Add([]task.Result{finished(t, store, m)})
			delivered += n
		}
		_, e := r.Close()
		if (e != nil) != (out.failed || err.failed) || delivered != len(tasks) || out.after+err.after > 0 {
			t.Fatalf("Close says %v; %d delivered; %d writes after an error", e, delivered, out.after+err.after)
		}
		if mode == Grouped && !strings.HasPrefix(model(tasks, false, false, false), string(out.got)) {
			t.Fatal("stdout is not a beginning of the output")
		}
	})
}
