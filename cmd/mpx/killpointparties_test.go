package main

import (
	"testing"

	"mpx/internal/killpoint"
)

// A barrier at which one is killed passes, or is broken: who waits there goes on, and
// after a reset the next ones pass.
func TestKillPointsOfBarrier(t *testing.T) {
	again := func(t *testing.T, dir string) {
		t.Helper()
		mpxOut(t, dir, "barrier", "reset", "b")
		other := beside(t, dir, "barrier", "wait", "b", "-n", "2", "--timeout", "20")
		mine := mpxOut(t, dir, "barrier", "wait", "b", "-n", "2", "--timeout", "20")
		if status := other.status(t); status != 0 || mine+other.out.String() != "0\n1\n" && mine+other.out.String() != "1\n0\n" {
			t.Errorf("after a reset: %q and %q, %d", mine, &other.out, status)
		}
	}
	first := func(t *testing.T, dir string) {
		companions.Store(dir, beside(t, dir, "barrier", "wait", "b", "-n", "2"))
		awaitWaiting(t, dir, "b", 1)
	}
	t.Run("the last", (&killCase{
		args: []string{"barrier", "wait", "b", "-n", "2"}, prepare: first,
		check: func(t *testing.T, dir string, end killpoint.End, out string) {
			c := companionOf(dir)
			if end.Killed && waiting(dir, "b") > 0 { // it was killed before it had come
				mpxOut(t, dir, "barrier", "reset", "b")
			}
			status := c.status(t)
			if status != 0 && (status != exitFailed || out != "") || status == 0 && c.out.String() != "0\n" {
				t.Errorf("the other ended with %d: %s; it printed %q", status, &c.said, out)
			}
			again(t, dir)
		},
	}).run)
	t.Run("the first", (&killCase{
		args:    []string{"barrier", "wait", "b", "-n", "2"},
		prepare: func(*testing.T, string) {},
		waits:   func(dir string) bool { return waiting(dir, "b") == 1 },
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			mpxIn(dir, "barrier", "wait", "b", "-n", "2", "--timeout", "0").Run() //nolint:errcheck // makes it, and breaks it
			again(t, dir)
		},
	}).run)
	t.Run("reset", (&killCase{
		args: []string{"barrier", "reset", "b"}, prepare: first,
		check: func(t *testing.T, dir string, end killpoint.End, _ string) {
			if end.Killed {
				mpxOut(t, dir, "barrier", "reset", "b")
			}
			if status := companionOf(dir).status(t); status != exitFailed {
				t.Errorf("who waited ended with %d", status)
			}
			again(t, dir)
		},
	}).run)
}

// Who waits in a condition gets a notification, whoever has been killed at one; and it
// is none of the dead's.
func TestKillPointsOfCond(t *testing.T) {
	sleeper := func(t *testing.T, dir string) {
		companions.Store(dir, beside(t, dir, "lock", "x", "mpx", "cond", "wait", "x"))
		awaitWaiting(t, dir, "x", 1)
	}
	woken := func(t *testing.T, dir string) {
		t.Helper()
		mpxOut(t, dir, "lock", "x", "mpx", "cond", "notify", "x")
		if status := companionOf(dir).status(t); status != 0 {
			t.Errorf("who waited ended with %d", status)
		}
		wantFree(t, dir, "lock", "free")
	}
	t.Run("notify", (&killCase{
		args: []string{"lock", "x", "mpx", "cond", "notify", "x"}, execs: true, prepare: sleeper,
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) { woken(t, dir) },
	}).run)
	t.Run("wait", (&killCase{
		args: []string{"lock", "x", "mpx", "cond", "wait", "x"}, execs: true,
		waits: func(dir string) bool { return waiting(dir, "x") == 1 },
		check: func(t *testing.T, dir string, _ killpoint.End, _ string) {
			sleeper(t, dir)
			woken(t, dir)
		},
	}).run)
}
