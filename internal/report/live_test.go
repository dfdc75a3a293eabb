package report

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"mpx/internal/task"
)

// A script of pieces and results, and what stands on stdout after each.
type liveStep struct {
	seq  uint64
	text string // "": the task ends
	want string
}

func runLive(t *testing.T, o func(*Options), steps []liveStep) {
	t.Helper()
	var s screen
	opts := s.options()
	opts.Mode, opts.Store = LineBuffered, newStore(t)
	o(&opts)
	r := New(opts)
	for i, st := range steps {
		res := result(st.seq, "", "")
		if st.text == "" {
			mustAdd(t, r, res)
		} else if err := r.Live(&res.Task, 1, false, []byte(st.text)); err != nil {
			t.Fatal(err)
		}
		if got := s.out.String(); got != st.want {
			t.Fatalf("after step %d stdout is %q, want %q", i, got, st.want)
		}
	}
}

func TestLiveCompletion(t *testing.T) {
	runLive(t, func(o *Options) { o.Order = Completion }, []liveStep{
		{1, "a\nb", "a\n"},
		{2, "x\n", "a\nx\n"},
		{1, "c\n", "a\nx\nbc\n"},
		{1, "d", "a\nx\nbc\n"},
		{1, "", "a\nx\nbc\nd"},
		{2, "y", "a\nx\nbc\nd"},
		{2, "z\n", "a\nx\nbc\ndyz\n"},
	})
}

func TestLiveInput(t *testing.T) {
	runLive(t, func(*Options) {}, []liveStep{
		{2, "x\ny", ""},
		{1, "a\n", "a\n"},
		{3, "p\n", "a\n"},
		{3, "", "a\n"},
		{1, "b", "a\n"},
		{1, "", "a\nbx\n"}, // 2 goes live
		{2, "z\n", "a\nbx\nyz\n"},
		{2, "", "a\nbx\nyz\np\n"},
	})
}

func TestLiveTag(t *testing.T) {
	runLive(t, func(o *Options) { o.Order, o.Tag = Completion, recordTag }, []liveStep{
		{1, "a\nb", "1\ta\n"},
		{2, "x\n", "1\ta\n2\tx\n"},
		{1, "c\nd\n", "1\ta\n2\tx\n1\tbc\n1\td\n"},
		{1, "", "1\ta\n2\tx\n1\tbc\n1\td\n"},
	})
}

// A line is whole however long it grows; while it waits, others pass.
func TestLiveLongLine(t *testing.T) {
	long := strings.Repeat("y", 5<<20)
	want := "1\ta\n2\tx\n1\t" + long + long + "z\n"
	runLive(t, func(o *Options) { o.Order, o.Tag = Completion, recordTag }, []liveStep{
		{1, "a\n" + long, "1\ta\n"},
		{1, long, "1\ta\n"},
		{2, "x\n", "1\ta\n2\tx\n"},
		{1, "z\nlast", want},
		{1, "", want + "1\tlast"},
		{2, "y\n", want + "1\tlast\n2\ty\n"}, // where lines have tags, each begins with one
	})
	runLive(t, func(*Options) {}, []liveStep{
		{2, long, ""},
		{1, "a", ""},
		{1, "", "a"}, // 2 goes live
		{2, long + "\nb", "a" + long + long + "\n"},
		{2, "", "a" + long + long + "\nb"},
	})
}

// A line that does not fit anywhere is mpx's failure.
func TestLiveLongLineStoreFails(t *testing.T) {
	r := New(Options{Stdout: io.Discard, Stderr: io.Discard, Mode: LineBuffered, Store: task.NewStore("/nonexistent")})
	res := result(1, "", "")
	if err := r.Live(&res.Task, 1, false, make([]byte, 10<<20)); err == nil || !strings.HasPrefix(err.Error(), "keep a line of task 1: ") {
		t.Errorf("Live says %v", err)
	}
}

func TestLiveStderrAndClose(t *testing.T) {
	var s screen
	o := s.options()
	o.Mode = LineBuffered
	r := New(o)
	for seq := uint64(3); seq > 0; seq-- {
		res := result(seq, "", "")
		r.Live(&res.Task, 1, false, []byte("out"))
		r.Live(&res.Task, 1, true, []byte("err\n"))
		if seq == 2 {
			mustAdd(t, r, res)
		}
	}
	s.want(t, "", "err\n")
	mustClose(t, r) // 1 and 3 never ended
	s.want(t, "outoutout", "err\nerr\nerr\n")
}

// A retry takes back what has not been seen of the attempt before.
func TestLiveRetry(t *testing.T) {
	for _, again := range []bool{true, false} {
		var s screen
		o := s.options()
		o.Mode, o.Store = LineBuffered, newStore(t)
		r := New(o)
		two := result(2, "", "")
		r.Live(&two.Task, 1, false, []byte("first\n"))
		retried(t, r, two)
		two = result(2, "", "")
		two.Attempt = 2
		want := "1\n"
		if again {
			r.Live(&two.Task, 1, false, []byte("second\n"))
			want += "second\n"
		}
		mustAdd(t, r, two, result(1, "1\n", ""))
		mustClose(t, r)
		s.want(t, want, "")
	}
}

func TestLiveStdoutFails(t *testing.T) {
	w := &fullWriter{room: 1}
	r := New(Options{Stdout: w, Stderr: w, Mode: LineBuffered})
	res := result(1, "", "")
	for range 3 {
		if err := r.Live(&res.Task, 1, false, []byte("ab\n")); !errors.Is(err, errFull) {
			t.Errorf("Live says %v", err)
		}
	}
	if w.after > 0 {
		t.Errorf("%d writes after the error", w.after)
	}
}

func TestLiveConcurrent(t *testing.T) {
	var s screen
	o := s.options()
	o.Mode, o.Tag, o.Store = LineBuffered, recordTag, newStore(t)
	r := New(o)
	var wg sync.WaitGroup
	var want strings.Builder
	for seq := range uint64(8) {
		res := result(seq+1, "", "")
		want.WriteString(strings.Repeat(string(recordTag(&res.Task, 1))+"\tab\n", 100))
		wg.Go(func() {
			for range 100 {
				r.Live(&res.Task, 1, false, []byte("a"))
				r.Live(&res.Task, 1, false, []byte("b\n"))
			}
			r.Add([]task.Result{res})
		})
	}
	wg.Wait()
	mustClose(t, r)
	s.want(t, want.String(), "")
}

// Neither attempts that were taken back nor what the results directory has
// been given stay in the store.
func TestLiveReleased(t *testing.T) {
	store := newStore(t)
	_, rs := openResults(t, nil)
	r := New(Options{Stdout: io.Discard, Stderr: io.Discard, Mode: LineBuffered, Store: store, Results: rs})
	piece := make([]byte, 60<<10)
	for i := range uint64(200) {
		res := result(i+1, "", "")
		r.Live(&res.Task, 1, false, piece)
		mustAdd(t, r, res)
		late := result(1000, "", "")
		late.Attempt = uint32(i)
		r.Live(&late.Task, 1, false, piece)
	}
	var o task.Output
	if err := o.Append(store, piece); err != nil {
		t.Fatal(err)
	}
	if _, ok := o.Mem(); !ok {
		t.Error("the store is full")
	}
	mustClose(t, r)
}
