// Package server keeps what goes on when the command that has started it is over:
// named processes, each with a keeper. The keeper is this program, executed again,
//
//	mpx process start ── config (memfd), answer (pipe) ──▶ keeper ──▶ the command
//	     returns when the command runs      a session of its own,   a session of its own,
//	                                        a subreaper             dies with the keeper
//
// and its record is a named object of package shm. A named pool has a supervisor, this
// program, too, which runs a pool of package pool for whoever connects to its socket:
// see PROTOCOL.md.
package server

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"mpx/internal/shm"
)

// KeeperArg is the first argument of a process that is a keeper, as ipc.WorkerArg is
// of a worker. The name of its process follows: for ps.
const KeeperArg = "__keeper"

// A Spec says which process to start.
type Spec struct {
	Dir  *shm.Dir
	Name string
	Path string // the file to execute; PATH is not searched
	Argv []string
	// Parent is a pidfd: when that process ends, this one is ended. −1: none.
	Parent int
}

// A RunError says that the command cannot be run.
type RunError struct{ Errno syscall.Errno }

func (e *RunError) Error() string { return e.Errno.Error() }

func (e *RunError) Unwrap() error { return e.Errno }

var errKeeperGone = errors.New("its keeper was killed as it began")

// A config is what a keeper is told, through its stdin: strings, a NUL behind each,
// as no name, path or argument holds one. Its own arguments have the name only: what
// pkill -f finds by the command's words is the command, and not its keeper, too.
//
//	directory, name, number of the parent's pidfd or -1, path, words of the command…
type config struct {
	dir, name, path string
	parent          int
	argv            []string
}

func (c *config) encode() []byte {
	words := append([]string{c.dir, c.name, strconv.Itoa(c.parent), c.path}, c.argv...)
	return []byte(strings.Join(words, "\x00") + "\x00")
}

func parseConfig(b []byte) (c config, err error) {
	text, ok := strings.CutSuffix(string(b), "\x00")
	words := strings.Split(text, "\x00")
	if !ok || len(words) < 5 {
		return c, errors.New("no configuration")
	}
	c = config{dir: words[0], name: words[1], path: words[3], argv: words[4:]}
	if c.parent, err = strconv.Atoi(words[2]); err != nil {
		return c, fmt.Errorf("parent's descriptor: %w", err)
	}
	return c, nil
}

// A keeper's answer is one line: how the start went.
const (
	answerRuns   = "runs"
	answerExists = "exists"
	answerRun    = "cannot run " // an errno follows
	answerFailed = "failed "     // a text follows
)

// answerOf returns the answer that stands for err.
func answerOf(err error) string {
	var run *RunError
	switch {
	case err == nil:
		return answerRuns
	case errors.Is(err, shm.ErrExists):
		return answerExists
	case errors.As(err, &run):
		return answerRun + strconv.Itoa(int(run.Errno))
	}
	return answerFailed + err.Error()
}

// parseAnswer returns the error that an answer stands for.
func parseAnswer(text string) error {
	switch {
	case text == answerRuns:
		return nil
	case text == answerExists:
		return shm.ErrExists
	}
	if n, ok := strings.CutPrefix(text, answerRun); ok {
		errno, err := strconv.Atoi(n)
		if err == nil {
			return &RunError{syscall.Errno(errno)}
		}
	}
	if said, ok := strings.CutPrefix(text, answerFailed); ok {
		return errors.New(said)
	}
	return errKeeperGone
}

// devNull opens /dev/null, for reading and writing.
func devNull() (*os.File, error) { return os.OpenFile(os.DevNull, os.O_RDWR, 0) }
