package main

import (
	"io"
	"time"

	"mpx/internal/task"
)

// end takes in the outcome of a task.
func (c *poolClients) end(r task.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch(task.Event{Kind: task.TaskEnd, Result: &r, Worker: r.Worker, Slot: r.Slot})
	if !r.Before {
		c.tally.Count(&r)
		c.halt()
	}
	c.window.Answer(&r, c.cfg.Forget && r.Status == task.OK)
	c.results = append(c.results, r)
	c.change.Broadcast()
}

// halt ends the run if --halt has it so.
func (c *poolClients) halt() {
	if c.isOver() {
		return
	}
	why := c.cfg.Halt.Reached(&c.tally, c.read, func() bool { return !c.all })
	if why == "" {
		return
	}
	c.halted = true
	c.finish()
	c.watch(task.Event{Kind: task.Halted, Reason: why})
	if c.cfg.Halt.Now {
		c.hangUp()
	}
}

func (c *poolClients) watch(e task.Event) {
	if c.cfg.Watch != nil {
		e.Time = time.Now()
		c.cfg.Watch(e)
	}
}

// Next waits for results. io.EOF: there are no more.
func (c *poolClients) Next() ([]task.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.results) == 0 {
		if c.left && !c.feeding {
			return nil, io.EOF
		}
		c.change.Wait()
	}
	r := c.results
	c.results = nil
	return r, nil
}

// Release opens the window by n results that the run has done with.
func (c *poolClients) Release(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window.Release(n)
	c.change.Broadcast()
}
