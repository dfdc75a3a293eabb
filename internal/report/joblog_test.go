package report

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/task"
)

// named returns the record as the name of a task.
func named(t *task.Task) string { return string(t.Values.At(0)) }

// logged returns a result that ran, of the record name.
func logged(seq uint64, name string) task.Result {
	r := result(seq, "out\n", "")
	r.Values, r.Start, r.Elapsed = task.One([]byte(name)), time.Unix(1_700_000_000, 123_456_789), 1500*time.Millisecond
	return r
}

func openJoblog(t testing.TB, path string, mode JoblogMode) *Joblog {
	t.Helper()
	l, err := OpenJoblog(path, mode, []int{0}, named)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// runJoblog is a run over names with the joblog at path: what it says is done is
// skipped.
func runJoblog(t testing.TB, path string, mode JoblogMode, names ...string) (ran []string) {
	t.Helper()
	var s screen
	o := s.options()
	o.Joblog = openJoblog(t, path, mode)
	r := New(o)
	for i, name := range names {
		res := logged(uint64(i+1), name)
		if res.Before = o.Joblog.Done(&res.Task); res.Before {
			res.Status, res.Start = task.Skipped, time.Time{}
		} else {
			ran = append(ran, name)
		}
		if _, err := r.Add([]task.Result{res}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return ran
}

func TestJoblogFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := openJoblog(t, path, JoblogNew)
	for i, c := range []struct {
		status       task.Status
		exit, signal int
		name, want   string
	}{
		{task.OK, 0, 0, "echo a", "0\t0\techo a"},
		{task.Failed, 3, 0, "a\tb", "3\t0\ta\tb"},
		{task.Signalled, 0, 9, "two\nlines", "0\t9\ttwo\x00lines"},
		{task.TimedOut, 0, 15, "", "-1\t15\t"},
		{task.Lost, 0, 0, "\xff", "-1\t9\t\xff"},
		{task.Cancelled, 0, 0, "c", "-1\t15\tc"},
	} {
		r := logged(uint64(i+1), c.name)
		r.Status, r.Exit, r.Signal = c.status, c.exit, c.signal
		l.add(&r, 4, nil)
		want := fmt.Sprintf("%d\t:\t1700000000.123\t     1.500\t0\t4\t%s\n", i+1, c.want)
		if got := string(l.pending[i].text); got != want {
			t.Errorf("%v: %q, want %q", c.status, got, want)
		}
	}
	for _, r := range []task.Result{
		{Status: task.Cancelled}, {Status: task.Skipped, Task: task.Task{Before: true}},
	} {
		if l.add(&r, 0, nil); len(l.pending) > 6 {
			t.Errorf("logged: %+v", r)
		}
	}
	if err := errors.Join(l.commit(), l.close()); err != nil {
		t.Fatal(err)
	}
}

// A run that is killed leaves the log cut anywhere. Whatever is left of it, the
// next run does just what is missing, and the log is whole again.
func TestJoblogCutAnywhere(t *testing.T) {
	names := []string{"echo a", "echo a", "two\nlines", "tab\tbed", "echo a", "\xff\x00", ""}
	path := filepath.Join(t.TempDir(), "log")
	runJoblog(t, path, JoblogNew, names...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		shuffled := slices.Clone(names)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		kept := max(0, bytes.Count(whole[:cut], []byte("\n"))-1)
		if ran := runJoblog(t, path, JoblogResume, shuffled...); len(ran) != len(names)-kept {
			t.Fatalf("cut at %d: ran %q, although %d were logged", cut, ran, kept)
		}
		wantSuccesses(t, path, names)
		if ran := runJoblog(t, path, JoblogResume, names...); len(ran) > 0 {
			t.Fatalf("cut at %d: a third run ran %q", cut, ran)
		}
	}
}

// line is what every line of a joblog but the first looks like.
var line = regexp.MustCompile(`^[0-9]+\t:\t[0-9]+\.[0-9]{3}\t *[0-9]+\.[0-9]{3}\t0\t[0-9]+\t0\t0\t(?s:(.*))$`)

// wantSuccesses expects the joblog to be well-formed, and to hold one success for
// each of names.
func wantSuccesses(t *testing.T, path string, names []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(string(b), joblogHeader)
	if !ok || rest != "" && !strings.HasSuffix(rest, "\n") {
		t.Fatalf("not a whole joblog: %q", b)
	}
	var got, want []string
	for l := range strings.Lines(rest) {
		m := line.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		if m == nil {
			t.Fatalf("odd line %q", l)
		}
		got = append(got, m[1])
	}
	for _, n := range names {
		want = append(want, strings.ReplaceAll(n, "\n", "\x00"))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("logged %q, want %q", got, want)
	}
}

// What was inserted, deleted or moved in the input changes nothing for the rest.
func TestResumeByContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	runJoblog(t, path, JoblogNew, "a", "b", "b", "c")
	ran := runJoblog(t, path, JoblogResume, "new", "c", "b", "b", "b", "a", "other")
	if want := []string{"new", "b", "other"}; !slices.Equal(ran, want) {
		t.Errorf("ran %q, want %q", ran, want)
	}
}

func TestResumeFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := joblogHeader
	for i, end := range []string{"0\t0", "1\t0", "0\t9", "-1\t15", "-1\t9", "2\t0"} {
		text += strconv.Itoa(i+1) + "\t:\t1.000\t     0.001\t0\t0\t" + end + "\ttask " + end + "\n"
	}
	text += "odd line\n7\t:\t1.000\t 0.001\t0\t0\tx\t0\tc\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := OpenJoblog(path, JoblogResume, []int{0, 2}, named)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.Odd != 2 {
		t.Errorf("%d odd lines, want 2", l.Odd)
	}
	for end, want := range map[string]bool{"0\t0": true, "1\t0": false, "0\t9": false, "-1\t15": false, "-1\t9": false, "2\t0": true} {
		r := logged(1, "task "+end)
		if got := l.Done(&r.Task); got != want {
			t.Errorf("done after %q: %v, want %v", end, got, want)
		}
	}
}

// Tasks that differ by their standard input alone are told apart.
func TestResumeStdin(t *testing.T) {
	l := &Joblog{name: func(*task.Task) string { return "wc -l" }}
	a, b := task.Task{FromStdin: true, Stdin: []byte("1\n")}, task.Task{FromStdin: true, Stdin: []byte("2\n")}
	if x, y := l.command(&a), l.command(&b); bytes.Equal(x, y) || !bytes.HasPrefix(x, []byte("wc -l # stdin sha256:")) {
		t.Errorf("%q and %q", x, y)
	}
}

func TestJoblogRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	open := func(mode JoblogMode) error {
		l, err := OpenJoblog(path, mode, nil, named)
		if err == nil {
			l.close()
		}
		return err
	}
	for text, want := range map[string]error{"": nil, joblogHeader: nil, joblogHeader + "1\n": ErrJoblogExists, "precious\n": ErrJoblogExists} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := open(JoblogNew); !errors.Is(err, want) {
			t.Errorf("new joblog over %q: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{"precious\n", "precious", joblogHeader[:10] + "x", "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, mode := range []JoblogMode{JoblogAppend, JoblogResume} {
			if err := open(mode); !errors.Is(err, ErrNotJoblog) {
				t.Errorf("joblog in %q: %v", text, err)
			}
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q became %q, %v", text, b, err)
		}
	}
	if _, err := OpenJoblog(filepath.Join(dir, "no", "log"), JoblogNew, nil, named); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a missing directory: %v", err)
	}
}

// A task is logged only once its output has been written.
func TestJoblogAfterOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out := &checkingWriter{path: path}
	r := New(Options{Stdout: out, Stderr: out, Joblog: openJoblog(t, path, JoblogNew)})
	for _, seq := range []uint64{2, 3, 1, 4} { // 2 and 3 wait for 1
		res := logged(seq, strconv.FormatUint(seq, 10))
		if _, err := r.Add([]task.Result{res}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantSuccesses(t, path, []string{"1", "2", "3", "4"})
	if out.early > 0 || out.tasks != 4 {
		t.Errorf("%d of %d tasks were logged before their output was out", out.early, out.tasks)
	}
}

// A checkingWriter looks at the joblog as output comes.
type checkingWriter struct {
	path         string
	tasks, early int
}

func (w *checkingWriter) Write(p []byte) (int, error) {
	b, err := os.ReadFile(w.path)
	if n := bytes.Count(b, []byte("\n")) - 1; n > w.tasks {
		w.early++
	}
	w.tasks += bytes.Count(p, []byte("out\n"))
	return len(p), err
}

// Nothing is logged whose output could not be written.
func TestJoblogOutputFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	r := New(Options{Stdout: full, Stderr: full, Joblog: openJoblog(t, path, JoblogNew)})
	if _, err := r.Add([]task.Result{logged(1, "a")}); err == nil {
		t.Error("no error for output that could not be written")
	}
	_, _ = r.Close()
	wantSuccesses(t, path, nil)
}
