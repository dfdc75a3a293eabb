package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// The exit statuses of every command. 130, 141 and 143 are what a shell sees
// when mpx has died by SIGINT, SIGPIPE and SIGTERM.
const (
	exitOK        = 0
	exitFailed    = 1   // a task failed; or the answer is no
	exitUsage     = 2   // the command line makes no sense
	exitEnd       = 3   // the end: a queue or a pipe is closed and drained
	exitTimeout   = 124 // the --timeout of a command that waits ran out
	exitBroken    = 125 // mpx itself failed
	exitCannotRun = 126 // the command cannot be run
	exitNotFound  = 127 // there is no such command
)

// exitStatus is the part of --help that tells them; each command adds its own.
const exitStatus = `  0     all went well
  1     at least one task failed, timed out or was lost
  2     wrong usage
  125   mpx itself failed: I/O, a broken worker, a failing initializer
  128+N mpx ended what it had started and died by signal N: 130 after ^C,
        143 after SIGTERM, 141 when the reader of its output went away`

// An outcome is how a command ends when not by success: with a status, or, once
// everything is cleaned up, by a signal. It is an error so that cobra passes it
// through; it says nothing to the user.
type outcome struct {
	status int
	signal syscall.Signal
}

func (o *outcome) Error() string { return fmt.Sprintf("exit status %d, signal %d", o.status, o.signal) }

// outcomeOf is to end as a child has.
func outcomeOf(end unix.WaitStatus) *outcome {
	if end.Signaled() {
		return &outcome{signal: end.Signal()}
	}
	return &outcome{status: end.ExitStatus()}
}

// A usageError is a mistake in the command line, with its remedy.
type usageError struct{ msg, hint string }

func (e *usageError) Error() string { return e.msg }

func usagef(hint, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), hint}
}

// A failedError says that the tasks are to blame, with a remedy.
type failedError struct{ msg, hint string }

func (e *failedError) Error() string { return e.msg }

// explain tells err to the user and returns the status it stands for.
func explain(w io.Writer, err error) (status int, sig syscall.Signal) {
	var o *outcome
	if errors.As(err, &o) {
		return o.status, o.signal
	}
	if err == nil {
		return exitOK, 0
	}
	fmt.Fprintf(w, "mpx: %v\n", err)
	status = exitBroken
	hint := ""
	var u *usageError
	var tu *task.UsageError
	var f *failedError
	var c *commandError
	var h interface {
		error
		Hint() string
	}
	switch {
	case errors.As(err, &u):
		status, hint = exitUsage, u.hint
	case errors.As(err, &tu):
		status, hint = exitUsage, tu.Hint
	case errors.As(err, &f):
		status, hint = exitFailed, f.hint
	case errors.As(err, &c):
		status, hint = c.status, c.hint
	case errors.As(err, &h):
		hint = h.Hint()
	}
	if hint == "" && (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) {
		hint = "let it open more files: ulimit -n 64"
	}
	if hint != "" {
		fmt.Fprintf(w, "mpx: hint: %s\n", hint)
	}
	return status, 0
}

// dieBy ends this process by sig, so that a loop that called it stops, too.
func dieBy(sig syscall.Signal) {
	// A command may have died by one that leaves a core; this one is not to blame.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	proc.TakeDefault(sig)
	_ = unix.Kill(unix.Getpid(), sig)
	// It is on its way, unless the caller has blocked it.
	time.Sleep(time.Second)
	os.Exit(128 + int(sig))
}
