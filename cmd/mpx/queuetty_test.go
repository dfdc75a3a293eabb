package main

import (
	"os/exec"
	"testing"
)

// startLeasing starts a command line on a terminal, for which there is a queue q with
// the item a.
func startLeasing(t *testing.T, line string) (*exec.Cmd, *terminal) {
	t.Helper()
	return startLine(t, "mpx queue create q; mpx queue put q a; "+line)
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
