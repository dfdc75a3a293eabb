package main

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killFor is how long each of the tests named TestKill goes on; 0: one run. make
// torture sets it.
const killFor = "MPX_KILL_FOR"

// torture reports whether make torture runs the tests: it alone demands that random
// kills hit somebody. Otherwise they are one quick round, and killpoint_test.go kills at
// points that are certain.
func torture() bool { return os.Getenv(killFor) != "" }

// again calls f, a whole run that returns how many it has killed, for as long as
// killFor says. scripts/torture adds up the kills.
func again(t *testing.T, f func() (kills int)) {
	t.Helper()
	limit, err := time.ParseDuration(cmp.Or(os.Getenv(killFor), "0s"))
	if err != nil {
		t.Fatal(err)
	}
	kills := 0
	for start, first := time.Now(), true; first || !t.Failed() && time.Since(start) < limit; first = false {
		kills += f()
	}
	if t.Logf("%d kills", kills); torture() && kills == 0 {
		t.Error("nobody was killed: the test shows nothing")
	}
}

// againAlone is again for a test that has no others beside it: no run may leave a
// descriptor open.
func againAlone(t *testing.T, f func() (kills int)) {
	t.Helper()
	open := 0
	again(t, func() int {
		kills := f()
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Error(err)
		}
		if open == 0 { // the first run has opened what the process keeps, as epoll
			open = len(fds)
		}
		if len(fds) > open {
			t.Errorf("%d descriptors are open, %d after the first run", len(fds), open)
		}
		return kills
	})
}

// mpxIn is an mpx that works in dir and has its objects there.
func mpxIn(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("mpx", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MPX_DIR="+filepath.Join(dir, "objects"))
	return cmd
}

// runFor runs cmd, and kills it after limit, with its group if it has one. It returns its status, or that it was
// killed, and what it said to stderr.
func runFor(cmd *exec.Cmd, limit time.Duration) (status int, killed bool, said string) {
	var b strings.Builder
	cmd.Stderr = &b
	if err := cmd.Start(); err != nil {
		return exitBroken, false, err.Error()
	}
	timer := time.AfterFunc(limit, func() {
		if cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		_ = cmd.Process.Kill()
	})
	defer timer.Stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return exitBroken, false, err.Error()
	}
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ws.ExitStatus(), ws.Signaled() && ws.Signal() == syscall.SIGKILL, b.String()
}

// wantNoObjects checks that of the objects in dir, once they are removed, and of the
// processes that used them nothing is left.
func wantNoObjects(t *testing.T, dir string) {
	t.Helper()
	if left := leftProcesses("MPX_DIR="+filepath.Join(dir, "objects"), dir); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
	if left := leftObjects(filepath.Join(dir, "objects")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "objects")); err != nil || len(files) > 0 {
		t.Errorf("files left: %v %v", files, err)
	}
}
