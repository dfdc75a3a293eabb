package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mpx/internal/proc"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// patience is how long a script waits for what must happen. It is long, as the
// machine may be busy; nothing waits for it to pass.
const patience = 20 * time.Second

// within polls f until it holds, and reports whether it came to hold.
func within(limit time.Duration, f func() bool) bool {
	for deadline := time.Now().Add(limit); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status WANT CMD [ARG]...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	var e *exec.ExitError
	if errors.As(err, &e) {
		got = endOf(e.ProcessState)
	} else {
		ts.Check(err)
	}
	if got != args[0] {
		ts.Fatalf("ended with %s, want %s", got, args[0])
	}
}

// endOf returns the exit status, or the name of the signal that the process
// itself died by.
func endOf(st *os.ProcessState) string {
	if ws := st.Sys().(syscall.WaitStatus); ws.Signaled() {
		return unix.SignalName(ws.Signal())
	}
	return strconv.Itoa(st.ExitCode())
}

// signalled is the background command that signal went to; testscript forgets
// it on wait.
type signalled struct{ cmd *exec.Cmd }

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: signal SIG [FILE]")
	}
	sig := unix.SignalNum("SIG" + args[0])
	if sig == 0 {
		ts.Fatalf("unknown signal %s", args[0])
	}
	if len(args) == 2 {
		for _, pid := range pidsIn(ts, args[1]) {
			ts.Check(unix.Kill(pid, sig))
		}
		return
	}
	cmds := ts.BackgroundCmds()
	if len(cmds) != 1 {
		ts.Fatalf("%d commands run in the background, want 1", len(cmds))
	}
	ts.Value(signalled{}).(*signalled).cmd = cmds[0]
	ts.Check(cmds[0].Process.Signal(sig))
}

func cmdEnded(ts *testscript.TestScript, neg bool, args []string) {
	cmd := ts.Value(signalled{}).(*signalled).cmd
	if neg || len(args) != 1 || len(ts.BackgroundCmds()) > 0 || cmd == nil {
		ts.Fatalf("usage: signal SIG, wait, ended WANT")
	}
	if got := endOf(cmd.ProcessState); got != args[0] {
		ts.Fatalf("ended with %s, want %s", got, args[0])
	}
}

func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: eventually CMD [ARG]...")
	}
	var said string
	if !within(patience, func() bool {
		c := exec.Command(args[0], args[1:]...)
		c.Dir = ts.MkAbs(".")
		c.Env = append(os.Environ(), "MPX_DIR="+ts.Getenv("MPX_DIR"))
		out, err := c.CombinedOutput()
		said = fmt.Sprintf("%s[%v]", out, err)
		return (err != nil) == neg
	}) {
		ts.Fatalf("still not: %s", said)
	}
}

// mostLimit is the last that patiently tries, in seconds.
const mostLimit = 60

func cmdPatiently(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: patiently CMD [ARG]...")
	}
	for limit := 0.2; ; limit *= 2 {
		ts.Setenv("LIMIT", strconv.FormatFloat(limit, 'f', -1, 64))
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if limit > mostLimit {
			ts.Fatalf("not even with a limit of %v s: %v", limit, err)
		}
	}
}

func cmdGone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: gone FILE...")
	}
	for _, file := range args {
		for _, pid := range pidsIn(ts, file) {
			if !within(patience, func() bool { return !lives(pid) }) {
				ts.Fatalf("process %d of %s still lives", pid, file)
			}
		}
	}
}

// lives reports whether pid is a process that has not ended; whether it has
// been reaped is its parent's affair.
func lives(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, state, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

func pidsIn(ts *testscript.TestScript, file string) (pids []int) {
	for _, f := range strings.Fields(ts.ReadFile(file)) {
		pid, err := strconv.Atoi(f)
		ts.Check(err)
		pids = append(pids, pid)
	}
	if len(pids) == 0 {
		ts.Fatalf("no pid in %s", file)
	}
	return pids
}

// cmdAnother runs a command as a user of its own, whose limit on processes
// nobody else uses up. The directories on its way are opened to it.
func cmdAnother(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: another CMD [ARG]...")
	}
	work := ts.Getenv("WORK")
	mpx, err := exec.LookPath("mpx")
	ts.Check(err)
	for _, dir := range []string{filepath.Dir(filepath.Dir(mpx)), filepath.Dir(work)} {
		ts.Check(os.Chmod(dir, 0o755))
	}
	for _, dir := range []string{work, ts.Getenv("TMPDIR"), ts.MkAbs(".")} {
		ts.Check(os.Chmod(dir, 0o777))
	}
	uid := strconv.Itoa(100_000 + os.Getpid())
	err = ts.Exec("setpriv", append([]string{"--reuid=" + uid, "--regid=" + uid, "--clear-groups", "--"}, args...)...)
	if (err != nil) != neg {
		ts.Fatalf("ended with: %v", err)
	}
}

// canGroup reports whether an mpx that a script starts can make memory groups:
// in version 2 it cannot, as it is not alone in its cgroup.
func canGroup() bool {
	m, err := proc.OpenMemoryGroups()
	if err != nil {
		return false
	}
	defer m.Close()
	dir, err := m.Make(1 << 30)
	if err != nil {
		return false
	}
	_, v1 := os.Stat(filepath.Join(dir, "memory.limit_in_bytes"))
	return proc.RemoveMemoryGroup(dir, true) == nil && v1 == nil
}
