package report

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"mpx/internal/task"
)

// sinkMost is how many bytes may wait for a slow reader before Throttle waits.
const sinkMost = 1 << 20

// A Watcher is told what happens in a run, as it happens.
type Watcher interface {
	// Watch takes one event. It never waits: the scheduler calls it.
	Watch(e task.Event)
	// Throttle waits while much of what it was told is still to be written, so
	// that a slow reader slows the run.
	Throttle()
	// Close writes the rest.
	Close(sum *Summary) error
}

// A sink is a file that is written in the background.
type sink struct {
	what string // for errors
	f    *os.File

	mu      sync.Mutex // guards the following
	buf     []byte     // to be written
	writing bool
	change  sync.Cond
	err     error // the first; from then on nothing is written
}

func newSink(what string, f *os.File) *sink {
	k := &sink{what: what, f: f}
	k.change.L = &k.mu
	return k
}

// add appends what f appends.
func (k *sink) add(f func([]byte) []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return
	}
	k.buf = f(k.buf)
	if !k.writing {
		k.writing = true
		go k.write()
	}
}

func (k *sink) write() {
	k.mu.Lock()
	defer k.mu.Unlock()
	var spare []byte
	for len(k.buf) > 0 && k.err == nil {
		b := k.buf
		k.buf = spare[:0]
		k.mu.Unlock()
		_, err := k.f.Write(b)
		k.mu.Lock()
		k.err = err
		if spare = b; cap(spare) > sinkMost {
			spare = nil
		}
		k.change.Broadcast()
	}
	k.writing = false
	k.change.Broadcast()
}

// Throttle waits while more than sinkMost bytes wait.
func (k *sink) Throttle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.buf) > sinkMost && k.err == nil {
		k.change.Wait()
	}
}

// close writes the rest. A reader that has gone away is no error: it has seen
// what it wanted.
func (k *sink) close() error {
	k.mu.Lock()
	for k.writing {
		k.change.Wait()
	}
	err := k.err
	k.mu.Unlock()
	cerr := k.f.Close()
	if err == nil {
		err = cerr
	}
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("write %s: %w", k.what, err)
}
