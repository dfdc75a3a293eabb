package main

import (
	"errors"
	"io"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// feed hands out the tasks of src.
func (c *poolClients) feed(src pool.Source) {
	defer close(c.tasks)
	for more := true; more; {
		if c.cfg.Throttle != nil {
			c.cfg.Throttle()
		}
		tasks, err := src.Next()
		if !c.arrive(tasks, err) {
			return
		}
		for _, t := range tasks {
			c.handOut(t)
		}
		c.mu.Lock()
		more = !c.all
		c.feeding = false
		c.change.Broadcast()
		c.mu.Unlock()
	}
}

// arrive takes in what the source has yielded. It reports false if the run was over
// before: nobody waits for it then.
func (c *poolClients) arrive(tasks []task.Task, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return false
	}
	c.feeding, c.all = true, err != nil
	c.read += uint64(len(tasks))
	if err != nil && !errors.Is(err, io.EOF) && c.failed == nil {
		c.failed = err
	}
	return true
}

// handOut gives t to the next client that is free.
func (c *poolClients) handOut(t task.Task) {
	select {
	case c.room <- struct{}{}:
	case <-c.over:
	}
	if t.Before {
		c.end(task.Result{Task: t, Status: task.Skipped})
		return
	}
	select {
	case c.tasks <- t:
	case <-c.over:
		c.leaveOut(t)
	}
}

// leaveOut ends a task that the pool has not been given.
func (c *poolClients) leaveOut(t task.Task) {
	r := task.Result{Task: t, Status: task.Cancelled}
	if c.Halted() {
		r.Status = task.Skipped
	}
	c.end(r)
}
