package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/task"
)

func openResults(t *testing.T, path func(*task.Task, int) []byte) (dir string, rs *Results) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a", "results")
	rs, err := OpenResults(dir, false, path)
	if err != nil {
		t.Fatal(err)
	}
	return dir, rs
}

func wantFile(t *testing.T, want string, elem ...string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Error(err)
	} else if string(got) != want {
		t.Errorf("%s holds %.100q, want %.100q", filepath.Join(elem...), got, want)
	}
}

func TestResults(t *testing.T) {
	dir, rs := openResults(t, nil)
	store := newStore(t)
	var s screen
	o := s.options()
	o.Results = rs
	r := New(o)
	two := result(2, "two", "")
	two.Values = task.List([]byte("x"), []byte("y\xff"))
	two.Stderr = spilled(t, store, "\xff")
	three := result(3, "", "")
	three.FromStdin, three.Stdin = true, []byte("in\n")
	mustAdd(t, r, two, three)
	// They are kept when they end, before their turn.
	wantFile(t, "two", dir, "2", "stdout")
	wantFile(t, strings.Repeat("x", 64<<10)+"\xff", dir, "2", "stderr")
	wantFile(t, "x\ny\xff", dir, "2", "record")
	wantFile(t, "in\n", dir, "3", "record")
	mustAdd(t, r, result(1, "one", "e"))
	mustClose(t, r)
	s.want(t, "onetwo", "e"+strings.Repeat("x", 64<<10)+"\xff")

	b, err := os.ReadFile(filepath.Join(dir, "1", "status.json"))
	var object map[string]any
	if err != nil || json.Unmarshal(b, &object) != nil {
		t.Fatal(err, string(b))
	}
	if object["status"] != "ok" || object["record"] != "1" || object["stdout"] != nil || !bytes.HasSuffix(b, []byte("}\n")) {
		t.Errorf("status.json is %s", b)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "1", "*"))
	if len(names) != 4 {
		t.Errorf("files are %q", names)
	}
}

func TestResultsLive(t *testing.T) {
	dir, rs := openResults(t, nil)
	var s screen
	o := s.options()
	o.Results, o.Mode, o.Store = rs, LineBuffered, newStore(t)
	r := New(o)
	for attempt, text := range []string{"a\nb", "c"} {
		res := result(1, "", "")
		res.Attempt = uint32(attempt + 1)
		r.Live(&res.Task, 1, false, []byte(text))
		r.Live(&res.Task, 1, true, []byte("e"+text))
		if attempt == 0 {
			retried(t, r, res)
		} else {
			mustAdd(t, r, res)
		}
	}
	mustClose(t, r)
	s.want(t, "a\nc", "ea\nec")
	wantFile(t, "c", dir, "1", "stdout")
	wantFile(t, "ec", dir, "1", "stderr")
	wantFile(t, "a\nb", dir, "1", "attempt-1", "stdout")
	wantFile(t, "ea\nb", dir, "1", "attempt-1", "stderr")
}

func TestResultsPaths(t *testing.T) {
	for _, c := range []struct{ paths, errors []string }{
		{[]string{"a", "b/c", "b/d", "./e/"}, []string{"", "", "", ""}},
		{[]string{"a", "a"}, []string{"", "save results of task 2: DIR/a is taken by task 1"}},
		{[]string{"a", "./a//"}, []string{"", "save results of task 2: DIR/a is taken by task 1"}},
		{[]string{"a", "a/stdout", "b"}, []string{"", "save results of task 2: ", ""}},
		{[]string{"a/stdout", "a"}, []string{"", "save results of task 2: DIR/a is taken by another task"}},
		{[]string{"", "."}, []string{"task 1: its directory name is empty", `task 2: its directory "." is DIR itself`}},
		{[]string{"/etc/x", "../x"}, []string{`task 1: its directory "/etc/x" is not below DIR`, `task 2: its directory "../x" goes through ".."`}},
		{[]string{"a/../b", "x\x00"}, []string{`task 1: its directory "a/../b" goes through ".."`, "task 2: "}},
		{[]string{strings.Repeat("x", 300)}, []string{"save results of task 1: "}},
	} {
		dir, rs := openResults(t, func(t *task.Task, _ int) []byte { return []byte(c.paths[t.Seq-1]) })
		var s screen
		o := s.options()
		o.Results = rs
		r := New(o)
		for i, want := range c.errors {
			n, err := r.Add([]task.Result{result(uint64(i+1), "out", "")})
			if n != 1 || (err == nil) != (want == "") {
				t.Errorf("%q: %d delivered, error %v, want %q", c.paths[i], n, err, want)
			} else if err != nil && !strings.Contains(err.Error(), strings.ReplaceAll(want, "DIR", dir)) {
				t.Errorf("%q: error %v, want %s", c.paths[i], err, want)
			}
			if want == "" {
				wantFile(t, "out", dir, c.paths[i], "stdout")
			}
		}
		mustClose(t, r)
		s.want(t, strings.Repeat("out", len(c.paths)), "")
	}
}

// A task that swaps its directory for a link does not lead others outside.
func TestResultsLink(t *testing.T) {
	outside := t.TempDir()
	dir, rs := openResults(t, nil)
	if err := os.Symlink(outside, filepath.Join(dir, "1")); err != nil {
		t.Fatal(err)
	}
	var s screen
	o := s.options()
	o.Results = rs
	if _, err := New(o).Add([]task.Result{result(1, "x", "")}); err == nil {
		t.Error("no error")
	}
	if names, _ := os.ReadDir(outside); len(names) > 0 {
		t.Errorf("%v was written outside", names)
	}
}

func TestOpenResultsRefuses(t *testing.T) {
	dir := t.TempDir()
	if rs, err := OpenResults(dir, false, nil); err != nil {
		t.Errorf("empty directory: %v", err)
	} else {
		rs.Close()
	}
	file := filepath.Join(dir, ".hidden")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenResults(dir, false, nil); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("non-empty directory: %v", err)
	}
	if _, err := OpenResults(file, false, nil); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// A full disk is an error, and leaves no status.json.
func TestResultsUnfinished(t *testing.T) {
	store := task.NewStore(t.TempDir())
	dir, rs := openResults(t, nil)
	var s screen
	o := s.options()
	o.Results = rs
	res := result(1, "", "")
	res.Stdout = spilled(t, store, "y")
	store.Close() // as good as a disk that fails
	if _, err := New(o).Add([]task.Result{res}); err == nil || !strings.Contains(err.Error(), "save results of task 1: ") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "1", "status.json")); err == nil {
		t.Error("status.json is there")
	}
}
