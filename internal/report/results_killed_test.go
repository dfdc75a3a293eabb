package report

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/task"
)

// A killed is what a run panics with at the step at which it is to end.
type killed struct{}

// A savedRun is runs of three tasks, each of which may end at any step: before a change
// of the results directory, a line of the joblog, a write to stdout. The second task
// fails at first.
type savedRun struct {
	t         *testing.T
	dir, log  string
	steps, at int // done in this run; before which it ends, 0: none
}

func (s *savedRun) step() {
	if s.steps++; s.steps == s.at {
		panic(killed{})
	}
}

func (s *savedRun) Write(p []byte) (int, error) {
	s.step()
	return len(p), nil
}

// run goes on with what there is, and ends before step at. It reports whether it came
// to its end.
func (s *savedRun) run(at int) (ended bool) {
	s.steps, s.at = 0, at
	l := openJoblog(s.t, s.log, JoblogResume)
	rs, err := OpenResults(s.dir, true, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { // what a kill would close
		_ = l.f.Close()
		_ = rs.Close()
		if p := recover(); p != nil && p != (killed{}) {
			panic(p)
		}
	}()
	l.step, rs.step = s.step, s.step
	r := New(Options{Stdout: s, Stderr: s, Results: rs, Joblog: l})
	for i, name := range []string{"a", "b", "c"} {
		res := logged(uint64(i+1), name)
		res.Attempt, res.Stdout = 1, task.Bytes([]byte("out "+name))
		if res.Before = l.Done(&res.Task); res.Before {
			res.Status = task.Skipped
		} else if name == "b" {
			first := res
			first.Again, first.Status, first.Exit = true, task.Failed, 1
			first.Stdout = task.Bytes([]byte("first"))
			mustAdd(s.t, r, first)
			res.Attempt = 2
		}
		mustAdd(s.t, r, res)
	}
	mustClose(s.t, r)
	return true
}

// done returns the tasks that the joblog has as done, in the order of their lines.
func (s *savedRun) done() (names []string) {
	b, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(line, "\t"); len(f) == joblogFields && f[6] == "0" {
			names = append(names, strings.TrimSpace(f[8]))
		}
	}
	return names
}

// complete checks that whatever is logged as done is saved.
func (s *savedRun) complete(at int) {
	s.t.Helper()
	for _, name := range s.done() {
		if _, err := os.Stat(filepath.Join(s.dir, string(name[0]-'a'+'1'), "status.json")); err != nil {
			s.t.Errorf("killed at step %d: %s is logged as done: %v", at, name, err)
		}
	}
}

// TestResultsKilled ends a run at each of its steps, and the one that goes on with it at
// the same. The third finds what is missing: each task is done once, and complete.
func TestResultsKilled(t *testing.T) {
	for at, ended := 1, false; !ended; at++ {
		dir := t.TempDir()
		s := &savedRun{t: t, dir: filepath.Join(dir, "R"), log: filepath.Join(dir, "log")}
		ended = s.run(at)
		s.complete(at)
		s.run(at)
		s.complete(at)
		if !s.run(0) {
			t.Fatal("the last run was killed")
		}
		if got := strings.Join(s.done(), ""); strings.Count(got, "a") != 1 || strings.Count(got, "b") != 1 || len(got) != 3 {
			t.Errorf("killed at step %d: %q are done", at, got)
		}
		checkSaved(t, at, s.dir)
		if ended && at < 40 {
			t.Errorf("a run has %d steps", at)
		}
	}
}

// checkSaved checks that dir has all files, and no other.
func checkSaved(t *testing.T, at int, dir string) {
	t.Helper()
	got := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			b, rerr := os.ReadFile(filepath.Join(dir, path))
			got[path], err = string(b), rerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"1/stdout": "out a", "2/stdout": "out b", "3/stdout": "out c", "2/attempt-1/stdout": "first",
		"1/record": "a", "2/record": "b", "3/record": "c", "2/attempt-1/record": "b",
	} {
		if got[path] != want {
			t.Errorf("killed at step %d: %s holds %q", at, path, got[path])
		}
	}
	if len(got) != 16 {
		t.Errorf("killed at step %d: files %q", at, got)
	}
}
