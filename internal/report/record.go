package report

import "mpx/internal/task"

// A Recorder keeps a record of a run beside its output: a JUnit file, a page, a
// step's summary. The Report calls it, one call at a time.
type Recorder interface {
	// Record takes what came of an attempt, with its outputs still there; it
	// keeps neither res nor them. Only a result without Again is a task's
	// outcome: there is exactly one a task, and it comes at its turn, as it is
	// printed. One with Again comes at once.
	Record(res *task.Result) error
	// Close completes the record.
	Close(sum *Summary) error
}
