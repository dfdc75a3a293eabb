package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

// A heldShell is a resident shell whose driver waits at one place of its way to a task.
type heldShell struct {
	path string      // of the shell
	ran  string      // the file that tasks write to
	wait func()      // until the shell stands there
	open func(n int) // lets it pass n times
	cfg  ipc.Config  // of a worker that has it
}

// holdShell returns a shell that is the command real, and waits where driver has the
// text at: before it.
func holdShell(t *testing.T, real, at string) *heldShell {
	t.Helper()
	dir := t.TempDir()
	h := &heldShell{path: filepath.Join(dir, "shell"), ran: filepath.Join(dir, "ran")}
	stop, open := gate(t)
	h.open = open
	here := filepath.Join(dir, "here")
	script := fmt.Sprintf(`#!/bin/sh
shift
driver=$(printf '%%s\n' "$1" | sed 's|%s|: >%s; %s; &|')
shift
exec %s -c "$driver" "$@"
`, at, here, strings.Replace(stop, "read x", "read -r mpx_y", 1), real)
	if err := os.WriteFile(h.path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	h.wait = func() {
		t.Helper()
		eventually(t, "the shell is there", func() bool { return os.Remove(here) == nil })
	}
	h.cfg = ipc.Config{Function: "shell", Args: spec(task.Spec{
		Words: []string{"echo {} >>" + h.ran}, Shell: []string{h.path},
	}), Grace: int64(patience)}
	return h
}

// has expects what tasks have written.
func (h *heldShell) has(t *testing.T, want string) {
	t.Helper()
	b, err := os.ReadFile(h.ran)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if string(b) != want {
		t.Errorf("tasks wrote %q, want %q", b, want)
	}
}

// places are where a shell may stand when its task is told to end: before it forks, in
// the subshell before that looks for orders, and while it looks.
var places = map[string]string{"before the fork": "( exec", "after it": "exec >&5", "before its look": "\\[ -s"}

// A task that is told to end before its subshell is there, or in the midst of its start,
// does not run, whichever signal that is, and its worker hears of its end.
func TestShellEndsBeforeItForks(t *testing.T) {
	for _, real := range []string{"dash", "bash", "zsh", "mksh", "busybox sh"} {
		if _, err := exec.LookPath(strings.Fields(real)[0]); err != nil {
			continue
		}
		for name, at := range places {
			for _, record := range []string{"plain", "not plain"} {
				for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
					t.Run(fmt.Sprint(real, " ", name, " ", record, " ", sig), func(t *testing.T) {
						h := holdShell(t, real, at)
						b := hire(t, h.cfg)
						b.hello()
						b.send(taskOf(1, record))
						h.wait()
						b.send(ipc.AppendStop(nil, int(sig), int64(patience)), ipc.AppendRecall(nil, 1))
						b.want(ipc.KindGaveBack) // it has heard of both
						h.open(1)
						// mksh now and then has 0 for the status of a subshell that is killed early.
						if d, _ := b.done(1); d.End != ipc.Stopped || d.Signal == 0 && real != "mksh" {
							t.Errorf("%+v", d)
						}
						h.has(t, "")
					})
				}
			}
		}
	}
}

// A time limit that is over then costs that task, and none after it.
func TestShellTimeoutBeforeItForks(t *testing.T) {
	for name, at := range places {
		for _, grace := range []time.Duration{0, patience} {
			t.Run(fmt.Sprint(name, " ", grace), func(t *testing.T) {
				h := holdShell(t, "sh", at)
				h.cfg.Grace = int64(grace)
				b := hire(t, h.cfg)
				b.hello()
				b.send(tasks(1, 1))
				h.wait()
				b.send(ipc.AppendLimit(nil, 1), ipc.AppendRecall(nil, 1))
				b.want(ipc.KindGaveBack)
				b.send(ipc.AppendRecall(nil, 1)) // after the step that the limit ran out in
				kind, body, _ := b.next()
				if kind == ipc.KindGaveBack {
					h.open(1)
					kind, body, _ = b.next()
				} else { // its subshell has been signalled
					b.want(ipc.KindGaveBack)
				}
				if d, err := ipc.ParseDone(body); kind != ipc.KindDone || err != nil || d.End != ipc.TimedOut {
					t.Errorf("kind %d: %+v, %v", kind, d, err)
				}
				b.send(ipc.AppendLimit(nil, 0), tasks(2, 2))
				h.wait()
				h.open(1)
				if d, _ := b.done(2); d.End != ipc.Ended || d.Exit != 0 {
					t.Errorf("%+v", d)
				}
				h.has(t, "2\n")
				b.send(empty(ipc.KindRetire))
				b.bye()
			})
		}
	}
}

// A task that is told to end while its shell becomes warm does not begin after that.
func TestShellEndsBeforeItIsWarm(t *testing.T) {
	h := holdShell(t, "sh", "echo \"+")
	b := hire(t, h.cfg)
	b.hello()
	b.send(tasks(1, 1))
	h.wait()
	b.send(ipc.AppendStop(nil, int(syscall.SIGTERM), int64(patience)), ipc.AppendRecall(nil, 1))
	b.want(ipc.KindGaveBack)
	h.open(2)
	if d, _ := b.done(1); d.End != ipc.Stopped {
		t.Errorf("%+v", d)
	}
	h.has(t, "")
	b.bye()
}

// A shell that does not come to fork is killed with its task, and the worker leaves.
func TestShellThatDoesNotFork(t *testing.T) {
	h := holdShell(t, "sh", "( exec")
	b := hire(t, h.cfg)
	b.hello()
	b.send(tasks(1, 1))
	h.wait()
	b.send(ipc.AppendStop(nil, int(syscall.SIGTERM), int64(patience)))
	b.send(ipc.AppendStop(nil, int(syscall.SIGKILL), 0))
	if d, _ := b.done(1); d.End != ipc.Stopped || d.Signal != int32(syscall.SIGKILL) {
		t.Errorf("%+v", d)
	}
	b.bye()
	h.has(t, "")
}
