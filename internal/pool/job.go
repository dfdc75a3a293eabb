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
	waiting load          // tasks taken from the source that have no result yet
	held    load          // tasks whose results have not been released
	stopped bool          // the source is not wanted any more

	// The scheduler's alone:
	open     bool   // the source may yield more
	standing bool   // see Pool.Stand
	tasks    int    // tasks without a result
	index    uint64 // of the next task
	fault    error  // of the source
}

// A load is a number of tasks and the bytes of their data.
type load struct{ tasks, bytes int }

func (l *load) add(o load) { l.tasks, l.bytes = l.tasks+o.tasks, l.bytes+o.bytes }
func (l *load) sub(o load) { l.tasks, l.bytes = l.tasks-o.tasks, l.bytes-o.bytes }

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
	s.p, s.open = p, true
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
	for !s.stopped && s.full() {
		s.change.Wait()
	}
	return !s.stopped
}

// blocked reports whether the source is not read for now.
func (s *Stream) blocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full()
}

// full reports whether no more is to be read ahead for now.
func (s *Stream) full() bool {
	jobs, w := s.p.cfg.Jobs, s.waiting
	if w.tasks+s.held.tasks >= s.p.cfg.Window || s.held.bytes >= heldBytes {
		return true
	}
	enough := jobs > 0 && w.tasks >= s.p.cfg.Ahead*(jobs+1)
	return enough || w.bytes >= waitingBytes && w.tasks >= 2*max(jobs, 1)
}

func (s *Stream) count(tasks []task.Task) {
	var l load
	for i := range tasks {
		l.tasks += tasks[i].N()
		l.bytes += tasks[i].Size()
	}
	s.mu.Lock()
	s.waiting.add(l)
	s.mu.Unlock()
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

// Release opens the window by n results that the caller has done with. Their
// share of the bytes held is taken to be the usual one.
func (s *Stream) Release(n int) {
	s.mu.Lock()
	if s.held.tasks > 0 {
		s.held.sub(load{n, int(float64(s.held.bytes) * float64(n) / float64(s.held.tasks))})
	}
	s.mu.Unlock()
	s.change.Broadcast()
}

// deliver adds results, in the scheduler.
func (s *Stream) deliver(r []task.Result) {
	var done, keep load
	for i := range r {
		if r[i].Again {
			continue
		}
		done.tasks += r[i].N()
		keep.tasks += r[i].N()
		done.bytes += r[i].Size()
		if s.p.cfg.Forget && r[i].Status == task.OK {
			r[i].Forget()
		}
		keep.bytes += r[i].Size()
	}
	s.tasks -= done.tasks
	s.mu.Lock()
	if s.waiting.sub(done); s.waiting.tasks == 0 {
		s.waiting.bytes = 0 // spans are cut, and their parts round
	}
	s.held.add(keep)
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
