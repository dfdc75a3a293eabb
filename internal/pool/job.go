package pool

import (
	"io"
	"sync"

	"mpx/internal/task"
)

// A Source yields tasks in batches of at least one; io.EOF ends it. Its Seq
// numbers are the pool's affair and may be zero. It is called from one
// goroutine.
type Source interface {
	Next() ([]task.Task, error)
}

// A Stream is work handed to a pool and what comes of it: every task that its
// source yielded gives exactly one result, and before it one with Again for each
// attempt that was followed by another.
type Stream struct {
	p   *Pool
	src Source

	mu      sync.Mutex // guards the following
	change  sync.Cond
	results []task.Result // not yet taken by Next
	err     error         // io.EOF, or why no more results come
	window  Window
	stopped bool // the source is not wanted any more

	// The scheduler's alone:
	open     bool   // the source may yield more
	standing bool   // see Pool.Stand
	tasks    int    // tasks without a result
	index    uint64 // of the next task
	fault    error  // of the source
}

// Stream hands src to p. The order of results is that of their coming; a
// result's Seq is its task's number in p, from 1, in the order of src.
func (p *Pool) Stream(src Source) (*Stream, error) {
	return p.open(&Stream{src: src})
}

// open has s read from.
func (p *Pool) open(s *Stream) (*Stream, error) {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	s.p, s.open, s.window = p, true, NewWindow(p.cfg)
	s.change.L = &s.mu
	if !p.send(opening{s}) {
		return nil, ErrClosed
	}
	go s.feed()
	return s, nil
}

// feed takes batches from the source as the window allows.
func (s *Stream) feed() {
	for s.waitTurn() {
		tasks, err := s.src.Next()
		if len(tasks) > 0 {
			s.count(tasks)
		}
		s.p.send(arriving{s, tasks, err})
		if err != nil {
			return
		}
	}
}

// waitTurn waits until the source is to be read. It is false when nothing more
// is wanted.
func (s *Stream) waitTurn() bool {
	if s.p.cfg.Throttle != nil {
		s.p.cfg.Throttle()
	}
	return s.waitWindow()
}

// waitWindow waits until more may be read ahead. It is false when nothing more
// is wanted.
func (s *Stream) waitWindow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped && s.window.Full() {
		s.change.Wait()
	}
	return !s.stopped
}

// blocked reports whether the source is not read for now.
func (s *Stream) blocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.Full()
}

func (s *Stream) count(tasks []task.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window.Read(tasks)
}

// Next waits for results and returns all that have come. After the last it
// returns io.EOF, or why the pool gave up, or the source's error.
func (s *Stream) Next() ([]task.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.results) == 0 && s.err == nil {
		s.change.Wait()
	}
	if len(s.results) == 0 {
		return nil, s.err
	}
	r := s.results
	s.results = nil
	return r, nil
}

// Release opens the window by n results that the caller has done with.
func (s *Stream) Release(n int) {
	s.mu.Lock()
	s.window.Release(n)
	s.mu.Unlock()
	s.change.Broadcast()
}

// deliver adds results, in the scheduler.
func (s *Stream) deliver(r []task.Result) {
	s.mu.Lock()
	for i := range r {
		if !r[i].Again {
			s.tasks -= r[i].N()
			s.window.Answer(&r[i], s.p.cfg.Forget && r[i].Status == task.OK)
		}
	}
	s.results = append(s.results, r...)
	s.mu.Unlock()
	s.change.Broadcast()
}

// stop wants no more of the source.
func (s *Stream) stop() {
	s.open = false
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.change.Broadcast()
}

// finish ends the stream if all its tasks have results.
func (s *Stream) finish(failed error) bool {
	if s.open || s.tasks > 0 {
		return false
	}
	s.mu.Lock()
	switch {
	case failed != nil:
		s.err = failed
	case s.fault != nil:
		s.err = s.fault
	default:
		s.err = io.EOF
	}
	s.stopped = true
	s.mu.Unlock()
	s.change.Broadcast()
	return true
}
