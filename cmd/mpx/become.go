package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// become puts the command in the place of this process: its pid, its terminal,
// what is sent to it, and the status that the caller sees are the command's.
func become(words, env []string) error {
	if stdoutFlags < 0 { // it is not ours to open
		unix.CloseOnExec(1)
	}
	proc.IgnoreOwn()
	return start(words, func(path string, argv []string) error { return syscall.Exec(path, argv, env) })
}

// start finds the command and has f execute it, as execvp(3): a script without #!
// is the shell's. A *commandError says why it could not, with its exit status.
func start(words []string, f func(path string, argv []string) error) error {
	path, err := proc.LookPath(words[0])
	if err == nil {
		err = f(path, words)
	}
	if errors.Is(err, unix.ENOEXEC) {
		err = f("/bin/sh", append([]string{"/bin/sh", path}, words[1:]...))
	}
	if err == nil {
		return nil
	}
	if proc.OutOfResources(err) { // which says nothing of the command
		return fmt.Errorf("start %s: %w", words[0], err)
	}
	e := &commandError{msg: fmt.Sprintf("%s: %v", words[0], err), status: exitCannotRun, cause: err}
	if errors.Is(err, unix.ENOENT) {
		e.status = exitNotFound
	}
	if len(words) == 1 && strings.ContainsAny(words[0], " \t|;&<>") {
		e.hint = "a shell line needs a shell: sh -c '…'"
	}
	return e
}

// A commandError says that the command cannot be run, or is not found.
type commandError struct {
	msg, hint string
	status    int
	cause     error // nil: msg is all there is
}

func (e *commandError) Error() string { return e.msg }

func (e *commandError) Unwrap() error { return e.cause }
