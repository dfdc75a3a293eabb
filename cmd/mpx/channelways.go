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
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"
)

// A channelWay is a way for messages from one process to another. run returns the
// seconds that one takes.
type channelWay struct {
	name string
	run  func(a *app, into *buffers) (float64, error)
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
func channelWays() []channelWay {
	ways := []channelWay{{wayCopy, copyMessages}, {wayRing, byRing}, {wayFloat, byFloatChannel}, {wayPipe, byPipe}, {wayQueue, byQueue}}
	if _, err := exec.LookPath("python3"); err == nil {
		ways = append(ways, channelWay{wayPython, byPython})
	}
	return ways
}

func byRing(a *app, into *buffers) (float64, error) {
	r, f, err := shm.CreateRing(ringSize)
	if err != nil {
		return 0, err
	}
	return a.throughRing(wayRing, r, f, into)
}

func byFloatChannel(a *app, into *buffers) (float64, error) {
	r, f, err := shm.CreateFloatChannel(into.size / 8)
	if err != nil {
		return 0, err
	}
	return a.throughRing(wayFloat, r, f, into)
}

func (a *app) throughRing(name string, r *shm.Ring, f *os.File, into *buffers) (float64, error) {
	defer r.Close()
	return a.receive(name, f, into, func(pid int) (channelEnd, error) {
		end, err := r.Receiver()
		if err != nil {
			return nil, err
		}
		end.Expect(pid)
		return ringEnd{end}, nil
	})
}

type ringEnd struct{ *shm.Receiver }

func (r ringEnd) recv(b []byte) error {
	_, err := r.Recv(b, shm.Wait{})
	return err
}

func byPipe(a *app, into *buffers) (float64, error) {
	r, w, err := ipc.Pipe(false)
	if err != nil {
		return 0, err
	}
	return a.receive(wayPipe, w.File(), into, func(int) (channelEnd, error) { return pipeEnd{r}, nil })
}

type pipeEnd struct{ *ipc.Connection }

func (p pipeEnd) recv(b []byte) error {
	_, err := p.RecvInto(b, 0)
	return err
}

func (p pipeEnd) Close() { p.Connection.Close() }

// byQueue sends through a named queue in a directory of its own, in memory, which the
// sender finds by its descriptor.
func byQueue(a *app, into *buffers) (seconds float64, err error) {
	path, err := os.MkdirTemp("/dev/shm", "mpx-bench-")
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
	return a.receive(wayQueue, f, into, func(int) (channelEnd, error) { return queueEnd{q}, nil })
}

type queueEnd struct{ *ipc.Queue }

func (q queueEnd) recv(b []byte) error {
	l, err := q.Lease(shm.WaitFor(time.Minute)) // of a sender that died nothing is known
	if err != nil {
		return err
	}
	if f := l.File(); f != nil {
		_, err = io.ReadFull(f, b)
	} else {
		copy(b, l.Bytes())
	}
	return errors.Join(err, l.Done())
}

// Close has a sender that still sends end, too.
func (q queueEnd) Close() {
	_ = q.SetClosed()
	q.Queue.Close()
}

//go:embed channel.py
var channelPython string

// byPython has Python send and receive, which says how long a message took. It gets
// fewer of them.
func byPython(a *app, into *buffers) (float64, error) {
	count := min(max(messages(into.size)/64, 2), 2000)
	cmd := exec.Command("python3", "-c", channelPython, strconv.Itoa(into.size/8), strconv.Itoa(count))
	cmd.Stderr = a.stderr
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
