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
	for c.waitTurn() {
		tasks, err := src.Next()
		if !c.arrive(tasks, err) {
			return
		}
		for _, t := range tasks {
			c.handOut(t)
		}
		c.mu.Lock()
		c.feeding = false
		c.change.Broadcast()
		c.mu.Unlock()
	}
}

// waitTurn waits until the source is to be read. It is false when no more is wanted or
// there is no more.
func (c *poolClients) waitTurn() bool {
	if c.cfg.Throttle != nil {
		c.cfg.Throttle()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.all && !c.isOver() && c.window.Full() {
		c.change.Wait()
	}
	return !c.all && !c.isOver()
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
	c.window.Read(tasks)
	if err != nil && !errors.Is(err, io.EOF) && c.failed == nil {
		c.failed = err
	}
	return true
}

// handOut gives t to the next client that is free.
func (c *poolClients) handOut(t task.Task) {
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
