package main

import (
	"syscall"
	"time"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// A runner has the tasks of a run done: a pool of its own, or clients of a named one.
type runner interface {
	interruptible
	// Stream begins to run the tasks of src. It is called once.
	Stream(src pool.Source) (results, error)
	Close()
	Status() pool.Status
	Halted() bool
}

// interruptible is what a signal ends, or stops for a while.
type interruptible interface {
	Stop(sig syscall.Signal, grace time.Duration)
	Join() error
	Pause()
	Resume()
}

// results are what comes of tasks, as pool.Stream gives them.
type results interface {
	Next() ([]task.Result, error)
	Release(n int)
}

// An ownPool is a pool that runs the tasks of one run.
type ownPool struct{ *pool.Pool }

func (p ownPool) Stream(src pool.Source) (results, error) { return p.Pool.Stream(src) }
