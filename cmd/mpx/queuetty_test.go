package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// startLeasing starts a command line on a terminal, for which there is a queue q with
// the item a.
func startLeasing(t *testing.T, line string) (*exec.Cmd, *terminal) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", "mpx queue create q; mpx queue put q a; "+line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MPX_DIR="+filepath.Join(dir, "objects"), "MPX_TEST_KILL="+dir, "GORACE=atexit_sleep_ms=0")
	tty := newTerminal(t, 80)
	tty.start(cmd)
	t.Cleanup(func() {
		if left := leftProcesses("MPX_TEST_KILL="+dir, dir); len(left) > 0 {
			t.Errorf("left: %s", strings.Join(left, "; "))
		}
	})
	return cmd, tty
}

// awaitLine waits until a line stands on the terminal.
func (s *terminal) awaitLine(line string) {
	s.t.Helper()
	if !within(patience, func() bool { return s.sees(func() bool { return slices.Contains(s.rows, line) }) }) {
		s.t.Fatalf("on the terminal stands %q", s.rows)
	}
}

// types types text.
func (s *terminal) types(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// ^C is the command's: it gets it once, and what it says of the item holds.
func TestLeaseInterrupt(t *testing.T) {
	for range 5 {
		cmd, tty := startLeasing(t, `trap : INT; mpx queue get q sh -c 'n=0; trap "n=\$((n + 1)); echo; echo interrupt \$n; exit 0" INT; echo begun; while :; do sleep 0.01; done'
			echo ended $?; mpx queue join q --timeout 0 && echo done`)
		tty.awaitLine("begun")
		tty.types("\x03")
		tty.awaitLine("interrupt 1")
		tty.awaitLine("ended 0")
		tty.awaitLine("done")
		_ = cmd.Wait()
	}
}

// Where no command runs it ends mpx.
func TestLeaseInterruptWaiting(t *testing.T) {
	cmd, tty := startLeasing(t, `mpx queue get q true; (until mpx ls q | grep -q 'waited for'; do :; done; echo waits) & exec mpx queue get q true`)
	tty.awaitLine("waits")
	tty.types("\x03")
	_ = cmd.Wait()
	if got := endOf(cmd.ProcessState); got != "SIGINT" {
		t.Errorf("ended with %s", got)
	}
}

// ^Z stops the command and mpx, and the shell has the terminal; both go on with fg.
func TestLeaseStopped(t *testing.T) {
	cmd, tty := startLeasing(t, `set -m; mpx queue get q sh -c 'echo begun; read line </dev/tty; echo "read $line"'
		printf '\nstopped %s\n' $?; fg >/dev/null; echo "ended $?"`)
	tty.awaitLine("begun")
	tty.types("\x1a")
	tty.awaitLine("stopped 148")
	tty.types("text\n")
	tty.awaitLine("read text")
	tty.awaitLine("ended 0")
	_ = cmd.Wait()
}
