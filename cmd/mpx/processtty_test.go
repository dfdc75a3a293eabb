package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mpx/internal/shm"
)

// ^C ends who waits for a process, and not the process; one that dies with its parent
// ends with that.
func TestProcessInterrupt(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `mpx process start stays sleep 300
		mpx process start goes --die-with-parent -- sleep 300
		exec mpx process join stays`)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MPX_DIR="+filepath.Join(dir, "objects"), "MPX_TEST_KILL="+dir)
	tty := newTerminal(t, 80)
	tty.start(cmd)
	t.Cleanup(func() {
		if left := leftProcesses("MPX_TEST_KILL="+dir, dir); len(left) > 0 {
			t.Errorf("left: %s", strings.Join(left, "; "))
		}
	})
	if !within(patience, func() bool { return tty.sees(func() bool { return slices.Contains(tty.rows, "goes") }) }) {
		t.Fatalf("on the terminal stands %q", tty.rows)
	}
	if _, err := tty.master.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := endOf(cmd.ProcessState); got != "SIGINT" {
		t.Errorf("join ended with %s", got)
	}
	wantProcess(t, dir, "goes", "killed by SIGTERM")
	wantProcess(t, dir, "stays", "running")
	kill := exec.Command("mpx", "process", "kill", "stays")
	kill.Env = cmd.Env
	if out, err := kill.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	wantProcess(t, dir, "stays", "killed by SIGKILL")
}

// wantProcess waits until the process name is in that state.
func wantProcess(t *testing.T, dir, name, want string) {
	t.Helper()
	d, err := shm.OpenDir(filepath.Join(dir, "objects"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.OpenProcess(name)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var i shm.ProcessInfo
	if !within(patience, func() bool { i, err = p.Look(); return err != nil || i.Text() == want }) || err != nil {
		t.Errorf("%s is %s, %v, not %s", name, i.Text(), err, want)
	}
}
