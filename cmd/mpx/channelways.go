package main

import (
	_ "embed" // of the way Python does it
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"mpx/internal/ipc"
	"mpx/internal/shm"
)

// A channelWay is a way for messages from one process to another. run returns the
// seconds that one takes.
type channelWay struct {
	name string
	run  func(a *channelBench, into *buffers) (float64, error)
}

// The ways, by the names that the sender knows, too.
const (
	wayCopy   = "memcpy"
	wayRing   = "ring"
	wayFloat  = "float channel"
	wayPipe   = "pipe"
	wayQueue  = "queue"
	wayPython = "Python"
)

// ringSize is that of the ring, in bytes: it stays in the processor's cache.
const ringSize = 1 << 20

// channelWays returns the ways that there are; memcpy is the first.
func (a *channelBench) channelWays() ([]channelWay, error) {
	ways := []channelWay{{wayCopy, copyMessages}, {wayRing, byRing}, {wayFloat, byFloatChannel}, {wayPipe, byPipe}, {wayQueue, byQueue}}
	if _, err := exec.LookPath("python3"); err != nil {
		return ways, nil
	}
	if _, err := a.python(1, 1); err != nil { // it is there, but not able
		if a.ctx.Err() != nil {
			return nil, err
		}
		fmt.Fprintln(a.says, "mpx: Python is left out:", err)
		return ways, nil
	}
	return append(ways, channelWay{wayPython, byPython}), nil
}

func byRing(a *channelBench, into *buffers) (float64, error) {
	r, f, err := shm.CreateRing(ringSize)
	if err != nil {
		return 0, err
	}
	return a.throughRing(wayRing, r, f, into)
}

func byFloatChannel(a *channelBench, into *buffers) (float64, error) {
	r, f, err := shm.CreateFloatChannel(into.size / 8)
	if err != nil {
		return 0, err
	}
	return a.throughRing(wayFloat, r, f, into)
}

func (a *channelBench) throughRing(name string, r *shm.Ring, f *os.File, into *buffers) (float64, error) {
	defer r.Close()
	end, err := r.Receiver()
	if err != nil {
		f.Close()
		return 0, err
	}
	return a.receive(name, f, ringEnd{end}, into)
}

type ringEnd struct{ *shm.Receiver }

func (r ringEnd) comesFrom(pid int) { r.Expect(pid) }

func (r ringEnd) recv(b []byte) error { return whole(b)(r.Recv(b, shm.Wait{})) }

func (r ringEnd) noMore() {} // it knows

// whole has a message that is shorter than b be an error.
func whole(b []byte) func(int, error) error {
	return func(n int, err error) error {
		if err == nil && n != len(b) {
			err = errMixedUp
		}
		return err
	}
}

func byPipe(a *channelBench, into *buffers) (float64, error) {
	r, w, err := ipc.Pipe(false)
	if err != nil {
		return 0, err
	}
	return a.receive(wayPipe, w.File(), pipeEnd{r}, into)
}

type pipeEnd struct{ *ipc.Connection }

func (p pipeEnd) comesFrom(int) {}

func (p pipeEnd) recv(b []byte) error { return whole(b)(p.RecvInto(b, 0)) }

func (p pipeEnd) noMore() {} // the pipe is at its end

func (p pipeEnd) Close() { p.Connection.Close() }

// byQueue sends through a named queue in a directory of its own, in memory, which the
// sender finds by its descriptor, and removes if this process has been killed.
func byQueue(a *channelBench, into *buffers) (seconds float64, err error) {
	path, err := os.MkdirTemp("/dev/shm", fmt.Sprintf("mpx-bench-%d-", os.Getpid()))
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(path)
	d, err := shm.OpenDir(path)
	if err != nil {
		return 0, err
	}
	q, err := ipc.MakeQueue(d, wayQueue, min(max(4*rotation/into.size, 2), 1000), "")
	if err != nil {
		return 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, errors.Join(err, q.Close())
	}
	return a.receive(wayQueue, f, queueEnd{q}, into)
}

type queueEnd struct{ *ipc.Queue }

func (q queueEnd) comesFrom(int) {}

func (q queueEnd) recv(b []byte) error {
	l, err := q.Lease(shm.Wait{})
	if err != nil {
		return err
	}
	n := 0
	if f := l.File(); f != nil {
		n, err = io.ReadFull(f, b)
	} else {
		n = copy(b, l.Bytes())
	}
	return errors.Join(whole(b)(n, err), l.Done())
}

func (q queueEnd) noMore() { _ = q.SetClosed() }

func (q queueEnd) Close() { q.Queue.Close() }

//go:embed channel.py
var channelPython string

// byPython has Python send and receive, which says how long a message took. It gets
// fewer of them.
func byPython(a *channelBench, into *buffers) (float64, error) {
	return a.python(into.size/8, min(max(messages(into.size)/64, 2), 2000))
}

func (a *channelBench) python(doubles, count int) (float64, error) {
	cmd := a.command("python3", "-c", channelPython, strconv.Itoa(doubles), strconv.Itoa(count))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	defer stdin.Close()
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		return 0, fmt.Errorf("it said %q", out)
	}
	return seconds, nil
}
