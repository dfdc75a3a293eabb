package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/killpoint"
)

const poolWork = `echo "$1" >>list; echo "$1"`

// wantPool uses the pool p, starts it if it is not there, and ends it.
func wantPool(t *testing.T, dir string) {
	t.Helper()
	b := &besieged{dir: dir, ends: map[string]int{}}
	if !within(patience, func() bool { // one may be there that is about to end with its starter
		b.poolStart(t)
		out, err := mpxIn(dir, "pool", "apply", "p", "z").Output()
		return err == nil && string(out) == "z\n"
	}) {
		t.Error("there is no pool")
	}
	b.finish(t)
}

// A task runs once, or not at all if its client was killed; the pool goes on.
func TestKillPointsOfApply(t *testing.T) {
	(&killCase{
		args:    []string{"pool", "apply", "p", "a"},
		prepare: func(t *testing.T, dir string) { (&besieged{dir: dir}).poolStart(t) },
		check: func(t *testing.T, dir string, end killpoint.End, out string) {
			wantPool(t, dir)
			n := numberOf(t, filepath.Join(dir, "list"), "a")
			if n > 1 || !end.Killed && (n != 1 || out != "a\n") || out != "" && n != 1 {
				t.Errorf("it has run %d times, and printed %q", n, out)
			}
		},
	}).run(t)
}

// Whoever is killed at the start of a pool, there is one that works, or none, and then
// one can be started.
func TestKillPointsOfPoolStart(t *testing.T) {
	cases := map[string]*killCase{
		"supervisor": {which: func(words string) bool { return strings.Contains(words, " __pool ") }, every: 7},
	}
	if torture() { // on a very busy machine one was seen that runs and serves nobody
		cases["starter"] = &killCase{}
	}
	for name, c := range cases {
		c.args = []string{"pool", "start", "p", "-j2", "--retry-lost", "0", "sh", "-c", poolWork, "sh"}
		c.check = func(t *testing.T, dir string, _ killpoint.End, _ string) { wantPool(t, dir) }
		t.Run(name, c.run)
	}
}

// Whoever is killed at the start of a process, it can be ended and removed.
func TestKillPointsOfProcessStart(t *testing.T) {
	for name, c := range map[string]*killCase{
		"starter": {},
		"keeper":  {which: func(words string) bool { return strings.Contains(words, " __keeper ") }},
	} {
		c.args = []string{"process", "start", "p", "sleep", "300"}
		c.check = func(t *testing.T, dir string, end killpoint.End, out string) {
			objects := filepath.Join(dir, "objects")
			s := &suffering{dir: dir, objects: objects, mark: "MPX_DIR=" + objects}
			s.wantNone(t, "p")
		}
		t.Run(name, c.run)
	}
}

// A run whose supervisor was killed is resumed. Each task has succeeded once by the
// joblog, and none is logged whose output did not come.
func TestKillPointsOfMap(t *testing.T) {
	words := []string{"map", "-j", "2", "--joblog", "log", "--resume", "/bin/echo", ":::", "1", "2", "3", "4", "5", "6"}
	(&killCase{
		args: words, every: 5,
		check: func(t *testing.T, dir string, end killpoint.End, out string) {
			log, name := filepath.Join(dir, "log"), filepath.Join(dir, "out")
			came := numbersIn(t, name)
			for n, times := range loggedNumbers(t, log) {
				if times != 1 || came[n] == 0 {
					t.Errorf("task %d has succeeded %d times, its output came %d times", n, times, came[n])
				}
			}
			mpxOut(t, dir, words...)
			succeeded := loggedNumbers(t, log)
			for n := 1; n <= 6; n++ {
				if succeeded[n] != 1 {
					t.Errorf("in the end task %d has succeeded %d times", n, succeeded[n])
				}
			}
		},
	}).run(t)
}

// numberOf returns how many lines of a file are line; a file that is not there has none.
func numberOf(t *testing.T, path, line string) (n int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for l := range bytes.Lines(b) {
		if strings.TrimSpace(string(l)) == line {
			n++
		}
	}
	return n
}
