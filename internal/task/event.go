package task

import "time"

// EventKind is what has happened in a run. The words are those of --events.
type EventKind uint8

// What happens to tasks and to workers. Each task has any number of attempts
// that TaskRetry ends, and one that TaskEnd does.
const (
	TaskStart    EventKind = iota // an attempt has begun
	TaskLost                      // a worker died under an attempt; TaskRetry or TaskEnd follows
	TaskRetry                     // an attempt has ended, and another will follow
	TaskEnd                       // a task has its outcome
	WorkerStart                   // a worker process has been started
	WorkerReady                   // it is warm: its initializer has worked, or it has come to life and has none
	WorkerRetire                  // a worker has been told to leave, or leaves by itself
	WorkerDie                     // a worker is gone that should not be
	Halted                        // --halt has ended the run
)

var eventWords = [...]string{"task_start", "task_lost", "task_retry", "task_end", "worker_start", "worker_ready", "worker_retire", "worker_die", "halt"}

func (k EventKind) String() string { return eventWords[k] }

// Running is a task that runs now.
type Running struct {
	Task   Task
	Slot   int // 0: not known, as Worker
	Worker int
	Start  time.Time
}

// An Event is something that has just happened in a run.
type Event struct {
	Kind EventKind
	Time time.Time
	// Result is what is known of the task, valid during the call alone: of
	// TaskStart its Task, Worker, Slot and Start. Nil for a worker's event.
	Result *Result
	Delay  time.Duration // TaskRetry: before the next attempt may start
	// Elapsed, of WorkerReady, is the time since it was decided to start it.
	Elapsed time.Duration
	// The worker: its number from 1, its job slot, its process.
	Worker, Slot, PID int
	Reason            string // why: WorkerRetire, WorkerDie, TaskLost, Halted
}
