package pool

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"mpx/internal/task"
)

// The methods of multiprocessing.Pool. A pool has one function, so they take
// only what it is called with. Where Python raises a worker's exception, the
// caller finds the task's outcome in its Result: a task that fails is no Go
// error.

// ErrTimeout is the error of Get and Next after their time limit.
var ErrTimeout = errors.New("timed out waiting for a result")

// ErrNotReady is Successful's error before the result is there (Python:
// ValueError).
var ErrNotReady = errors.New("result not ready")

// slice is the source of tasks that are all there.
type slice struct{ tasks []task.Task }

func (s *slice) Next() ([]task.Task, error) {
	if len(s.tasks) == 0 {
		return nil, io.EOF
	}
	t := s.tasks
	s.tasks = nil
	return t, nil
}

// Apply runs one task and waits for its result.
func (p *Pool) Apply(v task.Values) (task.Result, error) {
	a, err := p.ApplyAsync(v, nil)
	if err != nil {
		return task.Result{}, err
	}
	r, err := a.Get(-1)
	if err != nil {
		return task.Result{}, err
	}
	return r[0], nil
}

// ApplyAsync runs one task. callback, unless nil, gets the result before Get
// does.
func (p *Pool) ApplyAsync(v task.Values, callback func([]task.Result)) (*AsyncResult, error) {
	return p.MapAsync([]task.Values{v}, callback)
}

// Map runs a task for each of vs and returns their results in the order of vs,
// all of them, whatever failed.
func (p *Pool) Map(vs []task.Values) ([]task.Result, error) {
	a, err := p.MapAsync(vs, nil)
	if err != nil {
		return nil, err
	}
	return a.Get(-1)
}

// MapAsync is Map without the wait. callback, unless nil, gets the results
// before Get does; if it panics, Get returns that as its error.
func (p *Pool) MapAsync(vs []task.Values, callback func([]task.Result)) (*AsyncResult, error) {
	tasks := make([]task.Task, len(vs))
	for i, v := range vs {
		tasks[i].Values = v
	}
	a := &AsyncResult{done: make(chan struct{}), results: make([]task.Result, len(vs))}
	for i := range a.results { // unless something else comes of them
		a.results[i].Task, a.results[i].Status = tasks[i], task.Cancelled
		a.results[i].Index = uint64(i)
	}
	s, err := p.Stream(&slice{tasks})
	if err != nil {
		return nil, err
	}
	a.s = s
	go a.collect(s, callback)
	return a, nil
}

// Imap runs the tasks of src, which it reads no further ahead than the window
// allows, and returns their results in the order of src.
func (p *Pool) Imap(src Source) (*Iterator, error) {
	it, err := p.ImapUnordered(src)
	if err == nil {
		it.order = task.NewRing[task.Result](0)
	}
	return it, err
}

// ImapUnordered is Imap with the results in the order of their coming.
func (p *Pool) ImapUnordered(src Source) (*Iterator, error) {
	s, err := p.Stream(src)
	if err != nil {
		return nil, err
	}
	return &Iterator{s: s}, nil
}

// An Iterator yields the results of Imap and ImapUnordered. It is for one
// goroutine.
type Iterator struct {
	s     *Stream
	order *task.Ring[task.Result] // nil: the order of their coming
	ready []task.Result
}

// Next waits for the next result. io.EOF follows the last one.
func (it *Iterator) Next() (task.Result, error) {
	for {
		if r, ok := it.pop(); ok {
			it.s.Release(r.N())
			return r, nil
		}
		batch, err := it.s.Next()
		if err != nil {
			return task.Result{}, err
		}
		it.add(batch)
	}
}

// Ready reports whether Next will return without waiting.
func (it *Iterator) Ready() bool {
	if it.order != nil && it.order.Ready() || len(it.ready) > 0 {
		return true
	}
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	return it.s.err != nil || it.order == nil && len(it.s.results) > 0
}

func (it *Iterator) add(batch []task.Result) {
	batch = outcomes(batch)
	if it.order == nil {
		it.ready = batch
		return
	}
	for i := range batch {
		it.order.Put(batch[i].Index, batch[i])
	}
}

// outcomes drops from batch the attempts that others followed.
func outcomes(batch []task.Result) []task.Result {
	return slices.DeleteFunc(batch, func(r task.Result) bool {
		if r.Again {
			r.Release()
		}
		return r.Again
	})
}

func (it *Iterator) pop() (r task.Result, ok bool) {
	if it.order != nil {
		if r, ok = it.order.Pop(); ok {
			it.order.Skip(r.N() - 1)
		}
		return r, ok
	}
	if len(it.ready) == 0 {
		return r, false
	}
	r, it.ready = it.ready[0], it.ready[1:]
	return r, true
}

// An AsyncResult is the future of ApplyAsync and MapAsync.
type AsyncResult struct {
	s       *Stream
	done    chan struct{} // closed when the following are set
	results []task.Result
	err     error
}

// collect gathers the results of s in order.
func (a *AsyncResult) collect(s *Stream, callback func([]task.Result)) {
	defer close(a.done)
	for {
		batch, err := s.Next()
		if err != nil {
			if err != io.EOF {
				a.err = err
			}
			break
		}
		batch = outcomes(batch)
		for i := range batch {
			a.results[batch[i].Index] = batch[i]
		}
		s.Release(len(batch))
	}
	if a.err == nil && callback != nil {
		a.call(callback)
	}
}

// call runs the callback, whose panic is the caller's to see, not the pool's
// end.
func (a *AsyncResult) call(callback func([]task.Result)) {
	defer func() {
		if v := recover(); v != nil {
			a.err = fmt.Errorf("callback panicked: %v", v)
		}
	}()
	callback(a.results)
}

// Wait waits for the result, at most timeout (negative: for ever).
func (a *AsyncResult) Wait(timeout time.Duration) {
	if timeout < 0 {
		<-a.done
		return
	}
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case <-a.done:
	case <-t.C:
	}
}

// Get waits like Wait and returns the results: one for ApplyAsync. The error is
// ErrTimeout when they have not come, or why the pool ended before.
func (a *AsyncResult) Get(timeout time.Duration) ([]task.Result, error) {
	a.Wait(timeout)
	if !a.Ready() {
		return nil, ErrTimeout
	}
	return a.results, a.err
}

// Ready reports whether the result is there.
func (a *AsyncResult) Ready() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// Successful reports whether all went well: ErrNotReady before it is known.
func (a *AsyncResult) Successful() (bool, error) {
	if !a.Ready() {
		return false, ErrNotReady
	}
	if a.err != nil {
		return false, nil
	}
	for i := range a.results {
		if a.results[i].Status != task.OK {
			return false, nil
		}
	}
	return true, nil
}
