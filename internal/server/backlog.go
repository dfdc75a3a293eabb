package server

import (
	"container/list"
	"io"
	"sync"

	"mpx/internal/task"
)

// A backlog is the jobs that have no result yet, and the source of the pool's tasks. The
// pool takes up as many as its window allows, in the order of their coming; the others
// wait here, their values in a store.
type backlog struct {
	unread func(j *job, err error) // is told of jobs whose values cannot be read back

	mu     sync.Mutex // guards the following
	more   sync.Cond
	queue  list.List       // of *job: those that wait
	taken  map[uint64]*job // by their tasks' Index
	index  uint64          // of the next task
	closed bool            // no more jobs come
}

// What the pool takes up at once: its window is looked at only in between.
const (
	takeTasks = 64
	takeBytes = 256 << 10
)

func newBacklog(unread func(j *job, err error)) *backlog {
	b := &backlog{unread: unread, taken: map[uint64]*job{}}
	b.more.L = &b.mu
	return b
}

// add has j wait; false: no more jobs come.
func (b *backlog) add(j *job) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	j.place = b.queue.PushBack(j)
	b.more.Signal()
	return true
}

// len returns how many jobs wait for the pool to take them up.
func (b *backlog) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue.Len()
}

// close lets no more jobs in.
func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.more.Broadcast()
}

// Next returns the next tasks (pool.Source).
func (b *backlog) Next() ([]task.Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var tasks []task.Task
	for bytes := 0; len(tasks) < takeTasks && bytes < takeBytes; {
		for b.queue.Len() == 0 && !b.closed && len(tasks) == 0 {
			b.more.Wait()
		}
		if b.queue.Len() == 0 {
			break
		}
		j := b.pop()
		v, err := j.load()
		if err != nil {
			b.unread(j, err)
			continue
		}
		t := task.Task{Values: v, Unwanted: &j.unwanted}
		tasks = append(tasks, t)
		bytes += t.Size()
		b.taken[b.index] = j
		b.index++
	}
	if len(tasks) == 0 {
		return nil, io.EOF
	}
	return tasks, nil
}

// pop takes the first job out of the queue.
func (b *backlog) pop() *job {
	j := b.queue.Remove(b.queue.Front()).(*job)
	j.place = nil
	return j
}

// remove takes j out of the queue; false: it is in none.
func (b *backlog) remove(j *job) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if j.place == nil {
		return false
	}
	b.queue.Remove(j.place)
	j.place = nil
	j.values.Release()
	return true
}

// ended returns the job whose task has this Index and has ended.
func (b *backlog) ended(index uint64) *job {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.taken[index]
	delete(b.taken, index)
	return j
}

// end lets no more jobs in and returns those that are left.
func (b *backlog) end() (left []*job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.more.Broadcast()
	for _, j := range b.taken {
		left = append(left, j)
	}
	clear(b.taken)
	for b.queue.Len() > 0 {
		j := b.pop()
		j.values.Release()
		left = append(left, j)
	}
	return left
}
