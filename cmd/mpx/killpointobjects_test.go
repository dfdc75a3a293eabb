package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"mpx/internal/killpoint"

	"golang.org/x/sys/unix"
)

// makes returns a prepare that runs these commands, each the words of one mpx.
func makes(commands ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		for _, c := range commands {
			mpxOut(t, dir, strings.Fields(c)...)
		}
	}
}

// wantOut runs mpx, which must print one of these lines.
func wantOut(t *testing.T, dir, command string, lines ...string) (got string) {
	t.Helper()
	if got = strings.TrimSpace(mpxOut(t, dir, strings.Fields(command)...)); !slices.Contains(lines, got) {
		t.Errorf("mpx %s: %q, want one of %q", command, got, lines)
	}
	return got
}

// An addition has been done or not, and who was told its number did it.
func TestKillPointsOfAdd(t *testing.T) {
	(&killCase{
		args:    []string{"value", "add", "n", "2"},
		prepare: makes("value create n 5"),
		check: func(t *testing.T, dir string, _ killpoint.End, out string) {
			if n := wantOut(t, dir, "value add n 1", "6", "8"); out != "" && n != "8" {
				t.Errorf("it said %q, and did not add", out)
			}
		},
	}).run(t)
}

// A value is there, whole, or not at all.
func TestKillPointsOfCreate(t *testing.T) {
	(&killCase{
		args: []string{"value", "create", "n", "7"},
		check: func(t *testing.T, dir string, end killpoint.End, _ string) {
			mpxOut(t, dir, "value", "create", "--if-missing", "n", "9")
			if n := wantOut(t, dir, "value get n", "7", "9"); n == "9" && !end.Killed {
				t.Error("it has made none")
			}
		},
	}).run(t)
}

// wantFree takes the lock x, or a slot of the sem x, and checks that all of it is free
// then, as state says.
func wantFree(t *testing.T, dir, verb, state string) {
	t.Helper()
	mpxOut(t, dir, verb, "x", "--timeout", "20", "true")
	if got := (&scramble{dir: dir}).state(t); got != state {
		t.Errorf("it is %q, want %q", got, state)
	}
}

// A lock is free when its holder is gone, or who waits for it.
func TestKillPointsOfLock(t *testing.T) {
	t.Run("free", (&killCase{
		args:  []string{"lock", "x", "true"},
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) { wantFree(t, dir, "lock", "free") },
	}).run)
	t.Run("held", (&killCase{
		args:    []string{"lock", "x", "true"},
		prepare: held("lock"),
		waits:   func(dir string) bool { return waiting(dir, "x") == 1 },
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			letGo(t, dir)
			wantFree(t, dir, "lock", "free")
		},
	}).run)
	t.Run("close", (&killCase{
		args:  []string{"lock", "x", "--close", "true"},
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) { wantFree(t, dir, "lock", "free") },
	}).run)
	t.Run("close, the twin", (&killCase{
		args:  []string{"lock", "x", "--close", "true"},
		which: isTwin,
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) { wantFree(t, dir, "lock", "free") },
	}).run)
}

// isTwin says of a process's words that it is the twin of another of mpx.
func isTwin(words string) bool { return strings.Contains(words, " "+twinArg+" ") }

// A slot comes back when its holder is gone, or who waits for it.
func TestKillPointsOfSem(t *testing.T) {
	t.Run("free", (&killCase{
		args:  []string{"sem", "x", "-n", "2", "true"},
		check: func(t *testing.T, dir string, end killpoint.End, _ string) { wantSem(t, dir, end) },
	}).run)
	t.Run("held", (&killCase{
		args:    []string{"sem", "x", "true"},
		prepare: held("sem"),
		waits:   func(dir string) bool { return waiting(dir, "x") == 1 },
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			letGo(t, dir)
			wantFree(t, dir, "sem", "1 of 1 free")
		},
	}).run)
	for _, n := range []string{"1", "5"} {
		t.Run("resize to "+n, (&killCase{
			args:    []string{"sem", "x", "-n", n, "--resize", "true"},
			prepare: makes("sem x -n 3 true"),
			check: func(t *testing.T, dir string, end killpoint.End, _ string) {
				mpxOut(t, dir, "sem", "x", "--timeout", "20", "true")
				want := []string{n + " of " + n + " free", "3 of 3 free"}
				if got := (&scramble{dir: dir}).state(t); got != want[0] && (got != want[1] || !end.Killed) {
					t.Errorf("it is %q, want %q", got, want)
				}
			},
		}).run)
	}
}

// wantSem checks that the sem x of two slots, which may not have been made, has them.
func wantSem(t *testing.T, dir string, end killpoint.End) {
	t.Helper()
	if end.Killed {
		mpxOut(t, dir, "sem", "x", "-n", "2", "--timeout", "20", "true")
	}
	wantFree(t, dir, "sem", "2 of 2 free")
}

// held returns a prepare that has another hold x, until letGo.
func held(verb string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := unix.Mkfifo(filepath.Join(dir, "hold"), 0o600); err != nil {
			t.Fatal(err)
		}
		companions.Store(dir, beside(t, dir, verb, "x", "sh", "-c", "echo >held; read x <hold"))
		if !within(patience, func() bool { _, err := os.Stat(filepath.Join(dir, "held")); return err == nil }) {
			t.Error("nobody holds it")
		}
	}
}

// companions are those that prepare has started, by directory, for check.
var companions sync.Map

func companionOf(dir string) *companion {
	c, _ := companions.LoadAndDelete(dir)
	return c.(*companion)
}

// letGo ends who holds x.
func letGo(t *testing.T, dir string) {
	t.Helper()
	c := companionOf(dir)
	if err := os.WriteFile(filepath.Join(dir, "hold"), []byte("\n"), 0); err != nil {
		t.Error(err)
	}
	if status := c.status(t); status != 0 {
		t.Errorf("the holder ended with %d", status)
	}
}

// A semaphore has one less, or as many as before; what was said was done.
func TestKillPointsOfSemaphore(t *testing.T) {
	t.Run("acquire", (&killCase{
		args:    []string{"semaphore", "acquire", "s"},
		prepare: makes("semaphore create s --value 2"),
		check: func(t *testing.T, dir string, end killpoint.End, _ string) {
			if v := wantOut(t, dir, "semaphore value s", "1", "2"); v == "2" && !end.Killed {
				t.Error("it has taken none")
			}
		},
	}).run)
	t.Run("waits", (&killCase{
		args:    []string{"semaphore", "acquire", "s"},
		prepare: makes("semaphore create s --value 0"),
		waits:   func(dir string) bool { return waiting(dir, "s") == 1 },
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			mpxOut(t, dir, "semaphore", "release", "s")
			mpxOut(t, dir, "semaphore", "acquire", "s", "--timeout", "20")
			wantOut(t, dir, "semaphore value s", "0")
		},
	}).run)
	t.Run("release", (&killCase{
		args: []string{"semaphore", "release", "s"},
		prepare: func(t *testing.T, dir string) {
			mpxOut(t, dir, "semaphore", "create", "s", "--value", "0")
			companions.Store(dir, beside(t, dir, "semaphore", "acquire", "s"))
			awaitWaiting(t, dir, "s", 1)
		},
		check: func(t *testing.T, dir string, end killpoint.End, _ string) {
			if end.Killed { // it may have released it, and woken nobody
				mpxOut(t, dir, "semaphore", "release", "s")
			}
			if status := companionOf(dir).status(t); status != 0 {
				t.Errorf("who waited ended with %d", status)
			}
			wantOut(t, dir, "semaphore value s", "0", "1")
		},
	}).run)
}

// Who waits for an event ends by the next set, whoever has been killed at one.
func TestKillPointsOfEvent(t *testing.T) {
	t.Run("set", (&killCase{
		args: []string{"event", "set", "e"},
		prepare: func(t *testing.T, dir string) {
			companions.Store(dir, beside(t, dir, "event", "wait", "e"))
			awaitWaiting(t, dir, "e", 1)
		},
		check: func(t *testing.T, dir string, end killpoint.End, _ string) {
			if end.Killed {
				mpxOut(t, dir, "event", "set", "e")
			}
			if status := companionOf(dir).status(t); status != 0 {
				t.Errorf("who waited ended with %d", status)
			}
		},
	}).run)
	t.Run("wait", (&killCase{
		args:  []string{"event", "wait", "e"},
		waits: func(dir string) bool { return waiting(dir, "e") == 1 },
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			if n := waiting(dir, "e"); n != 0 {
				t.Errorf("%d wait", n)
			}
			mpxOut(t, dir, "event", "set", "e")
			mpxOut(t, dir, "event", "wait", "e", "--timeout", "20")
		},
	}).run)
}
