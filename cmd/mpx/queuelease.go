package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// maxArgument is the longest argument that a process may have, in bytes.
const maxArgument = 128<<10 - 1

// lease runs the command for the item, which is done if the command succeeds, and
// goes back otherwise.
func (g *getter) lease(l *ipc.Lease, words []string) error {
	argv := words
	if !g.onStdin {
		word, err := argumentOf(l)
		if err != nil {
			return g.undelivered(l, err)
		}
		argv = append(append([]string(nil), words...), word)
	}
	stdin, err := inputOf(l)
	if err != nil {
		return g.undelivered(l, err)
	}
	defer stdin.Close()
	end, err := g.a.twin.run(argv, attemptEnv(l.Deliveries()), int(stdin.Fd()))
	switch {
	case errors.Is(err, unix.E2BIG) && !g.onStdin:
		return g.undelivered(l, err)
	case proc.OutOfResources(err): // which says nothing of the item, nor of the command
		return errors.Join(err, l.Undo())
	case err != nil:
		return errors.Join(err, g.failed(l, err.Error()))
	}
	if err = g.judge(l, end); err == nil && g.follow {
		err = g.a.twin.rest()
	}
	return err
}

// undelivered ends the lease of an item that the command cannot have, which why says.
// That is a delivery that has failed.
func (g *getter) undelivered(l *ipc.Lease, why error) error {
	if g.deliveries == 0 {
		return errors.Join(why, l.Return())
	}
	if err := g.failed(l, why.Error()); err != nil {
		return err
	}
	if !g.follow {
		return why
	}
	if l.Deliveries() < g.deliveries { // else that has been said
		fmt.Fprintf(g.a.says, "mpx: %s: %v\n", g.name, why)
	}
	return nil
}

// failed ends the lease of an item whose delivery has failed.
func (g *getter) failed(l *ipc.Lease, why string) error {
	if g.deliveries > 0 && l.Deliveries() >= g.deliveries {
		return g.bury(l, l.Deliveries(), why)
	}
	g.hint(l)
	return l.Return()
}

// attemptEnv is the environment, with MPX_ATTEMPT: once, also where mpx is itself a
// task and has found one there.
func attemptEnv(n int) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MPX_ATTEMPT=") })
	return append(env, "MPX_ATTEMPT="+strconv.Itoa(n))
}

// judge ends the lease as the command has ended.
func (g *getter) judge(l *ipc.Lease, end unix.WaitStatus) (err error) {
	switch {
	case end.Exited() && end.ExitStatus() == 0:
		err = l.Done()
	case end.Signaled():
		err = g.failed(l, "the command was killed by "+unix.SignalName(end.Signal()))
	default:
		err = g.failed(l, fmt.Sprintf("the command ended with status %d", end.ExitStatus()))
	}
	switch {
	case err != nil:
		return err
	case g.follow && end.Signaled() && (end.Signal() == unix.SIGINT || end.Signal() == unix.SIGQUIT):
		return outcomeOf(end) // by the keys of the terminal
	case g.follow || end.Exited() && end.ExitStatus() == 0:
		return nil
	}
	return outcomeOf(end)
}

// argumentOf returns the item as a word. Not all can be one.
func argumentOf(l *ipc.Lease) (string, error) {
	b := l.Bytes()
	if l.File() != nil && l.Size() <= maxArgument {
		var all bytes.Buffer
		if _, err := l.WriteTo(&all); err != nil {
			return "", err
		}
		b = all.Bytes()
	}
	why := ""
	switch {
	case l.Size() > maxArgument:
		why = fmt.Sprintf("an item of %d bytes is too long to be an argument", l.Size())
	case bytes.IndexByte(b, 0) >= 0:
		why = "an item with a NUL byte can be no argument"
	default:
		return string(b), nil
	}
	return "", &commandError{msg: why, hint: "--stdin gives it to the command on its standard input only; --max-deliveries N sets it aside", status: exitBroken}
}

// inputOf returns the item as a file that is read from its beginning.
func inputOf(l *ipc.Lease) (*os.File, error) {
	if f := l.File(); f != nil {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		return f, nil
	}
	fd, err := unix.MemfdCreate("mpx-item", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file of an item: %w", err)
	}
	f := os.NewFile(uintptr(fd), "mpx-item")
	if _, err = f.Write(l.Bytes()); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("make a file of an item: %w", err)
	}
	return f, nil
}
