package pool

import (
	"syscall"
	"time"

	"mpx/internal/task"
)

// An event is something that the scheduler is told.
type event any

type (
	opening  struct{ s *Stream }
	arriving struct {
		s     *Stream
		tasks []task.Task
		err   error
	}
	closing  struct{}
	stopping struct {
		sig   syscall.Signal
		grace time.Duration
	}
	pausing  struct{ done chan struct{} }
	resuming struct{}
	overdue  struct{} // workers did not leave in time
	retrying struct{} // starting may work again
	waking   struct{} // a time has come, see scheduler.wake

	// What a worker's goroutine tells.
	reported struct {
		w        *worker
		results  []result
		back     []item // given back
		recall   bool   // back, perhaps empty, answers a recall
		noStart  *item  // there was no room for its process
		why      string // of noStart
		starts   bool   // its initializer has done its work
		badInit  *badInit
		paused   bool
		began    []result // tasks that have begun, with Config.Watch
		born     bool     // its process has been started
		token    uint32   // it holds the token of that number
		ready    bool     // it is warm: see scheduler.warmed
		worn     int64    // it is over its limit of memory, with so many bytes
		resident int64    // see worker.resident
		starved  bool     // its filter holds back its replies
	}
	died struct {
		w       *worker
		back    []item      // what it had not started
		lost    *item       // what it was running
		killed  bool        // how: by a signal
		how     error       // why it could not start, or how it ended; nil: as planned
		why     string      // of a worker that left by itself
		doubted bool        // its filter has answered too much or too little
		part    task.Result // of lost: its output so far, its times
	}
)

// An item is a task on its way through the pool.
type item struct {
	task.Task
	s         *Stream
	lost      int          // how many workers have died under it
	failed    int          // how often it has run again because it failed
	told      bool         // Config.Starting knows of it
	prior     *task.Result // of the attempt before this one, until this one begins
	notBefore time.Time    // when this attempt may begin
}

// A result is an item's.
type result struct {
	it item
	r  task.Result
}
