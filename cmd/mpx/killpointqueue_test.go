package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mpx/internal/killpoint"
)

// rest closes the queue q and returns what is in it, in its order. Who is dead by then
// has nothing on lease any more.
func rest(t *testing.T, dir string) []string {
	t.Helper()
	mpxOut(t, dir, "queue", "close", "q")
	return strings.Fields(mpxOut(t, dir, "queue", "get", "--follow", "--timeout", "20", "q"))
}

// Items are in the queue or not, in their order, each whole and once; who was killed may
// have put the first of several.
func TestKillPointsOfPut(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for name, items := range map[string][]string{"short": {"b", "c"}, "long": {long}} {
		c := &killCase{
			args: []string{"queue", "put", "-0", "q"}, stdin: strings.Join(items, "\x00") + "\x00",
			prepare: makes("queue create q", "queue put q a"),
			check: func(t *testing.T, dir string, end killpoint.End, _ string) {
				mpxOut(t, dir, "queue", "put", "q", "z")
				got := rest(t, dir)
				for n := len(items); n >= 0; n-- {
					if slices.Equal(got, slices.Concat([]string{"a"}, items[:n], []string{"z"})) && (end.Killed || n == len(items)) {
						return
					}
				}
				t.Errorf("got %.80q", got)
			},
		}
		t.Run(name, c.run)
	}
}

// An item that was given out is not lost: it has been printed, or worked on, or is there
// again, before the others.
func TestKillPointsOfGet(t *testing.T) {
	const work = `echo "$1" >>done`
	for name, c := range map[string]*killCase{
		"print":           {args: []string{"queue", "get", "q"}},
		"lease":           {args: []string{"queue", "get", "q", "sh", "-c", work, "sh"}},
		"lease, the twin": {args: []string{"queue", "get", "q", "sh", "-c", work, "sh"}, which: isTwin},
		"follow":          {args: []string{"queue", "get", "--follow", "--nonblock", "q"}},
	} {
		if name == "follow" {
			c.status = exitFailed // at the end there is none at once
		}
		c.every = 3
		c.prepare = makes("queue create q", "queue put q a b")
		c.check = func(t *testing.T, dir string, end killpoint.End, out string) {
			if left := leftProcesses("MPX_DIR="+filepath.Join(dir, "objects"), dir); len(left) > 0 { // the twin has it until it has ended
				t.Errorf("processes left: %q", left)
			}
			done, _ := os.ReadFile(filepath.Join(dir, "done"))
			got, left := strings.Fields(out+string(done)), rest(t, dir)
			all := slices.Compact(slices.Concat(got, left)) // what is there again is the last that was had
			if !slices.Equal(all, []string{"a", "b"}) || !end.Killed && len(got)+len(left) != 2 {
				t.Errorf("got %q, %q are left", got, left)
			}
		}
		t.Run(name, c.run)
	}
}

// Whoever has been killed at its making, closing or removing, a queue can be used, and be
// removed.
func TestKillPointsOfQueue(t *testing.T) {
	works := func(t *testing.T, dir string) {
		t.Helper()
		mpxOut(t, dir, "queue", "create", "--if-missing", "q")
		mpxOut(t, dir, "queue", "put", "q", "z")
		if got := rest(t, dir); got[len(got)-1] != "z" {
			t.Errorf("got %q", got)
		}
	}
	t.Run("create", (&killCase{
		args:  []string{"queue", "create", "q"},
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) { works(t, dir) },
	}).run)
	t.Run("rm", (&killCase{
		args:    []string{"rm", "q"},
		prepare: makes("queue create q", "queue put q a"),
		check:   func(t *testing.T, dir string, _ killpoint.End, _ string) { works(t, dir) },
	}).run)
	t.Run("close", (&killCase{
		args:    []string{"queue", "close", "q"},
		prepare: makes("queue create q", "queue put q a"),
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			if got := rest(t, dir); !slices.Equal(got, []string{"a"}) {
				t.Errorf("got %q", got)
			}
		},
	}).run)
}

// A message is sent or not, whole, and received once, or again if its receiver was
// killed; the other end learns of the end.
func TestKillPointsOfPipe(t *testing.T) {
	messages := func(t *testing.T, dir string) (all []string) {
		t.Helper()
		mpxOut(t, dir, "pipe", "close", "p:2")
		for {
			cmd := mpxIn(dir, "pipe", "recv", "--timeout", "20", "p:1")
			out, _ := cmd.Output()
			if cmd.ProcessState.ExitCode() != 0 {
				if status := cmd.ProcessState.ExitCode(); status != exitEnd {
					t.Errorf("recv ended with %d", status)
				}
				return all
			}
			all = append(all, strings.TrimSpace(string(out)))
		}
	}
	t.Run("send", (&killCase{
		args:    []string{"pipe", "send", "p:2", "b"},
		every:   3,
		prepare: makes("pipe create p", "pipe send p:2 a"),
		check: func(t *testing.T, dir string, end killpoint.End, _ string) {
			mpxOut(t, dir, "pipe", "send", "p:2", "z")
			got := messages(t, dir)
			if sent := slices.Equal(got, []string{"a", "b", "z"}); !sent && (!end.Killed || !slices.Equal(got, []string{"a", "z"})) {
				t.Errorf("got %q", got)
			}
		},
	}).run)
	t.Run("recv", (&killCase{
		args:    []string{"pipe", "recv", "p:1"},
		every:   3,
		prepare: makes("pipe create p", "pipe send p:2 a", "pipe send p:2 b"),
		check: func(t *testing.T, dir string, end killpoint.End, out string) {
			got, left := strings.Fields(out), messages(t, dir)
			if all := slices.Compact(slices.Concat(got, left)); !slices.Equal(all, []string{"a", "b"}) || !end.Killed && len(left) != 1 {
				t.Errorf("got %q, %q are left", got, left)
			}
		},
	}).run)
	t.Run("close", (&killCase{
		args:    []string{"pipe", "close", "p:2"},
		every:   3,
		prepare: makes("pipe create p", "pipe send p:2 a"),
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			if got := messages(t, dir); !slices.Equal(got, []string{"a"}) {
				t.Errorf("got %q", got)
			}
		},
	}).run)
}
