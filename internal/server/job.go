package server

import (
	"container/list"
	"fmt"
	"sync/atomic"

	"mpx/internal/task"
)

// A job is a task that a client has handed in. Until the pool takes it up its values are
// in the supervisor's store: however many wait, and of whatever size, memory has only the
// first of them.
type job struct {
	values   task.Output   // as task.Values.AppendWire writes them
	missing  int           // bytes of the values that are to come
	count    int           // of the values
	fault    *PoolError    // why it makes no task
	unwanted atomic.Bool   // its client has gone
	place    *list.Element // in the backlog's queue; nil: in none
	ticket   *ticket       // nil: a client waits

	done   chan struct{} // closed when the following are set
	result *task.Result
	err    error // why there is none
}

// newJob makes a job of values of these sizes, whose bytes add is given.
func newJob(store *task.Store, sizes []int) *job {
	j := &job{count: len(sizes), done: make(chan struct{})}
	for _, n := range sizes {
		if n < 0 || n > messageMost {
			j.missing = -1
			return j
		}
		j.missing += n
	}
	j.keep(store, task.AppendWireHead(nil, sizes))
	return j
}

// add takes in a piece of the values.
func (j *job) add(store *task.Store, piece []byte) {
	if len(piece) <= j.missing {
		j.keep(store, piece)
	}
	j.missing = max(-1, j.missing-len(piece))
}

func (j *job) keep(store *task.Store, piece []byte) {
	if j.fault != nil {
		return
	}
	if err := j.values.Append(store, piece); err != nil {
		j.fault = &PoolError{KindFailed, fmt.Sprintf("keep the values until a worker has them: %v", err), "mpx pool start --tmpdir names a directory with more room"}
	}
}

// check says why j, which has been received, makes no task.
func (j *job) check() *PoolError {
	if j.missing != 0 {
		return &PoolError{KindUsage, "the values are not as long as they are said to be", ""}
	}
	return j.fault
}

// load returns the values, and lets go of where they were.
func (j *job) load() (task.Values, error) {
	defer j.values.Release()
	b, err := j.values.Tail(j.values.Size())
	if err != nil {
		return task.Values{}, err
	}
	v, _, err := task.ParseValues(b)
	return v, err
}

// ready reports whether the result is there.
func (j *job) ready() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// release gives back what the result holds, once it is there.
func (j *job) release() {
	<-j.done
	if j.result != nil {
		j.result.Release()
	}
}
