package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/killpoint"
	"mpx/internal/shm"
)

// A killCase is a command that is killed at each of its points, and what must be so
// then.
type killCase struct {
	args  []string
	stdin string
	// which says which process of the command's is killed, by its words; nil: the first.
	which func(words string) bool
	execs bool // also when it has become another command
	// prepare makes what the command needs, in a directory of its own.
	prepare func(t *testing.T, dir string)
	// waits says that the command, which does not end by itself, waits.
	waits func(dir string) bool
	// check checks what the command has left. out is what it has printed.
	check func(t *testing.T, dir string, end killpoint.End, out string)
	// every has only one point of so many be tried, but for make torture; 0: each.
	every  int
	status int // with which it ends by itself

	base string // of all directories
}

// run kills the command at its points, one a run, each in a directory of its own, in
// which nothing may be left.
func (k *killCase) run(t *testing.T) {
	t.Parallel()
	mpx, err := exec.LookPath("mpx")
	if err != nil {
		t.Fatal(err)
	}
	hits, step := 0, max(1, k.every)
	if torture() {
		step = 1
	}
	k.base = t.TempDir()
	for n := 1; !t.Failed(); n += step {
		end := k.in(t, mpx, n)
		if t.Failed() {
			t.Errorf("point %d: %+v", n, end)
		}
		if !end.Killed {
			break
		}
		hits++
	}
	if t.Logf("%d kills", hits); hits == 0 {
		t.Error("it has no points")
	}
	if left := leftProcesses("MPX_DIR="+k.base, k.base); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
}

// in runs the command, kills it at point n, and checks what it leaves.
func (k *killCase) in(t *testing.T, mpx string, n int) killpoint.End {
	t.Helper()
	dir := filepath.Join(k.base, strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o700); err != nil {
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
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	v := &killpoint.Victim{
		Path: mpx, Args: append([]string{"mpx"}, k.args...), Env: mpxIn(dir).Env, Dir: dir, Files: files,
		Which: k.which, Execs: k.execs, Patience: patience,
	}
	if k.waits != nil {
		v.Waits = func() bool { return k.waits(dir) }
	}
	end, err := v.Run(n)
	if errors.Is(err, killpoint.ErrRefused) {
		t.Skip(err)
	}
	out, _ := os.ReadFile(filepath.Join(dir, "out"))
	said, _ := os.ReadFile(filepath.Join(dir, "err"))
	if err != nil || end.Hung || !end.Killed && !end.Waited && end.Status.ExitStatus() != k.status {
		t.Errorf("mpx %s: %+v, %v: %s", strings.Join(k.args, " "), end, err, said)
	}
	k.check(t, dir, end, string(out))
	if left := leftObjects(filepath.Join(dir, "objects")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
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

// A companion is a command that runs beside the one that is killed.
type companion struct {
	*exec.Cmd
	name string
	out  strings.Builder
	said strings.Builder
}

// beside starts mpx in dir. At the test's end it has been waited for.
func beside(t *testing.T, dir string, args ...string) *companion {
	t.Helper()
	c := &companion{Cmd: mpxIn(dir, args...), name: strings.Join(args, " ")}
	c.Stdout, c.Stderr = &c.out, &c.said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// status waits until it has ended, and returns its exit status.
func (c *companion) status(t *testing.T) int {
	t.Helper()
	hangs := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	err := c.Wait()
	var exit *exec.ExitError
	if !hangs.Stop() || err != nil && !errors.As(err, &exit) {
		t.Errorf("mpx %s hangs: %v", c.name, err)
	}
	return c.ProcessState.ExitCode()
}

// waiting returns how many wait for the object name, or in its condition.
func waiting(dir, name string) (n int) {
	d, err := shm.OpenDir(filepath.Join(dir, "objects"))
	if err != nil {
		return 0
	}
	o, err := d.Open(name, 0)
	if err != nil {
		return 0
	}
	defer o.Close()
	list, err := o.Parties()
	if err != nil {
		return 0
	}
	for _, p := range list {
		if p.Role != shm.Holds {
			n++
		}
	}
	return n
}

// awaitWaiting waits until n wait for name.
func awaitWaiting(t *testing.T, dir, name string, n int) {
	t.Helper()
	if !within(patience, func() bool { return waiting(dir, name) == n }) {
		t.Errorf("%d wait for %s, want %d", waiting(dir, name), name, n)
	}
}
