package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"mpx/internal/shm"
)

// ^C ends who waits for a process, and not the process; one that dies with its parent
// ends with that.
func TestProcessInterrupt(t *testing.T) {
	cmd, tty := startLine(t, `mpx process start stays sleep 300
		mpx process start goes --die-with-parent -- sleep 300
		exec mpx process join stays`)
	tty.awaitLine("goes")
	tty.types("\x03")
	_ = cmd.Wait()
	if got := endOf(cmd.ProcessState); got != "SIGINT" {
		t.Errorf("join ended with %s", got)
	}
	wantProcess(t, cmd.Dir, "goes", "killed by SIGTERM")
	wantProcess(t, cmd.Dir, "stays", "running")
	kill := exec.Command("mpx", "process", "kill", "stays")
	kill.Env = cmd.Env
	if out, err := kill.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	wantProcess(t, cmd.Dir, "stays", "killed by SIGKILL")
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
