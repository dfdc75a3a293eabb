package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/killpoint"
)

// A killCase is a command that is killed at each of its points, and what must be so
// then.
type killCase struct {
	args  []string
	stdin string
	// which says which process of the command's is killed, by its words; nil: the first.
	which func(words string) bool
	// prepare makes what the command needs, in a directory of its own.
	prepare func(t *testing.T, dir string)
	// waits says that the command, which does not end by itself, waits.
	waits func(dir string) bool
	// check checks what the command has left. out is what it has printed.
	check func(t *testing.T, dir string, end killpoint.End, out string)
	// every has only one point of so many be tried; 0: each.
	every int
}

// run kills the command at its points, one a run, each in a directory of its own, in
// which nothing may be left.
func (k *killCase) run(t *testing.T) {
	t.Parallel()
	mpx, err := exec.LookPath("mpx")
	if err != nil {
		t.Fatal(err)
	}
	var points []killpoint.Point
	k.in(t, mpx, func(v *killpoint.Victim) (end killpoint.End, err error) {
		points, end, err = killpoint.Points(v)
		return end, err
	})
	hits := 0
	for i, p := range points {
		if k.every > 0 && i%k.every > 0 {
			continue
		}
		for again := true; again && !t.Failed(); p.Store++ {
			end := k.in(t, mpx, func(v *killpoint.Victim) (killpoint.End, error) { return v.Run(p) })
			if again = p.Store > 0 && end.Killed; end.Killed {
				hits++
			}
			if t.Failed() {
				t.Errorf("killed at %v: %+v", p, end)
			}
		}
	}
	if t.Logf("%d points, %d kills", len(points), hits); hits < len(points)/2 && k.every == 0 {
		t.Errorf("of %d points it came to %d again", len(points), hits)
	}
}

// in runs the command once, by f, and checks what it leaves.
func (k *killCase) in(t *testing.T, mpx string, f func(*killpoint.Victim) (killpoint.End, error)) killpoint.End {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if k.prepare != nil {
		k.prepare(t, dir)
	}
	var files [3]*os.File
	for i, name := range []string{"in", "out", "err"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(k.stdin)[:len(k.stdin)*max(0, 1-i)], 0o600); err != nil {
			t.Fatal(err)
		}
		if files[i], err = os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_APPEND, 0); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	v := &killpoint.Victim{
		Path: mpx, Args: append([]string{"mpx"}, k.args...), Env: mpxIn(dir).Env, Dir: dir, Files: files,
		Which: k.which, Patience: patience,
	}
	if k.waits != nil {
		v.Waits = func() bool { return k.waits(dir) }
	}
	end, err := f(v)
	if errors.Is(err, killpoint.ErrRefused) {
		t.Skip(err)
	}
	out, _ := os.ReadFile(filepath.Join(dir, "out"))
	said, _ := os.ReadFile(filepath.Join(dir, "err"))
	if err != nil || end.Hung || !end.Killed && !end.Waited && end.Status != 0 {
		t.Errorf("mpx %s: %+v, %v: %s", strings.Join(k.args, " "), end, err, said)
	}
	k.check(t, dir, end, string(out))
	wantNoObjects(t, dir)
	return end
}

// mpxOut runs mpx in dir, which must end well, and returns what it prints.
func mpxOut(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := mpxIn(dir, args...).Output()
	if err != nil {
		t.Errorf("mpx %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

func TestKillPoints(t *testing.T) {
	t.Run("value add", (&killCase{
		args:    []string{"value", "add", "n", "2"},
		prepare: func(t *testing.T, dir string) { mpxOut(t, dir, "value", "create", "n", "5") },
		check: func(t *testing.T, dir string, end killpoint.End, out string) {
			got := mpxOut(t, dir, "value", "add", "n", "1")
			if got != "8\n" && (got != "6\n" || out != "") {
				t.Errorf("printed %q; one more is %q", out, got)
			}
		},
	}).run)
}
