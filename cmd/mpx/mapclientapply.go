package main

import (
	"errors"
	"slices"
	"time"

	"mpx/internal/server"
	"mpx/internal/task"
)

// serve has p run one task after another.
func (c *poolClients) serve(p *server.PoolClient) {
	defer p.Close()
	for {
		select {
		case <-c.over:
			return
		case t, ok := <-c.tasks:
			if !ok {
				return
			}
			if !c.begin(p, &t) {
				c.leaveOut(t)
				return
			}
			r := c.apply(p, t)
			c.mu.Lock()
			delete(c.applied, p)
			c.mu.Unlock()
			c.end(r)
		}
	}
}

// begin takes in that p has t applied, unless nothing more is to begin.
func (c *poolClients) begin(p *server.PoolClient, t *task.Task) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isOver() {
		return false
	}
	t.Attempt = 1
	now := time.Now()
	c.applied[p] = task.Running{Task: *t, Start: now}
	if c.cfg.Starting != nil {
		c.cfg.Starting(t, 0)
	}
	c.watch(task.Event{Kind: task.TaskStart, Result: &task.Result{Task: *t, Start: now}})
	return true
}

// apply has p's pool run t. Without an answer t is cancelled, for what is known here.
func (c *poolClients) apply(p *server.PoolClient, t task.Task) task.Result {
	var stdout, stderr task.Output
	o, err := p.Apply(valuesOf(&t), storeWriter{c.cfg.Store, &stdout}, storeWriter{c.cfg.Store, &stderr})
	r := task.Result{Task: t, Status: task.Cancelled}
	if err != nil {
		stdout.Release()
		stderr.Release()
		c.fail(err)
		return r
	}
	r = o.Result(t)
	r.Stdout, r.Stderr = stdout, stderr
	if c.okStatus != nil && (r.Status == task.OK || r.Status == task.Failed) {
		r.Status = task.Failed
		if slices.Contains(c.okStatus, r.Exit) {
			r.Status = task.OK
		}
	}
	return r
}

// fail ends the run because of a client's error. The others have their tasks ended.
func (c *poolClients) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted = c.doubted || isDoubted(err)
	if c.failed == nil && !errors.Is(err, server.ErrHungUp) {
		c.failed = c.explain(err)
	}
	c.finish()
}

// valuesOf returns what the pool's COMMAND is given.
func valuesOf(t *task.Task) (vs []string) {
	for i := range t.Values.Len() {
		vs = append(vs, string(t.Values.At(i)))
	}
	return vs
}

// A storeWriter adds what is written to it to an output.
type storeWriter struct {
	s *task.Store
	o *task.Output
}

func (w storeWriter) Write(p []byte) (int, error) {
	if err := w.o.Append(w.s, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
