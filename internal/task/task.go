// Package task says what mpx runs and what came of it: tasks and their
// values, where tasks come from (sources), how a task becomes an argument
// vector (templates), and results with their output.
//
// It knows nothing of processes, workers or terminals.
package task

import "sync/atomic"

// A Task is one unit of input: what one run of the command gets.
type Task struct {
	Seq     uint64 // task number, from 1; of a span, the first record's
	Index   uint64 // its place in its source, from 0; the pool sets it, and Seq
	Attempt uint32 // from 1; 0 before the task was first handed out
	Values  Values // the records, columns or source values that placeholders name
	Stdin   []byte // the records for the task's standard input, when FromStdin
	// FromStdin says that Stdin (perhaps empty) is the task's standard input;
	// otherwise that is /dev/null.
	FromStdin bool
	// Records is how many records Stdin holds, each ended by a delimiter, if t is
	// a span: so many tasks handed about as one, numbered from Seq. 0: t is a
	// single task.
	Records int
	// Before says that an earlier run has done the task: it is not run, and its
	// outcome is Skipped.
	Before bool
	// Unwanted is set once nobody wants the task's outcome any more. nil: somebody
	// always does.
	Unwanted *atomic.Bool
}

// Wanted reports whether somebody wants t's outcome.
func (t *Task) Wanted() bool { return t.Unwanted == nil || !t.Unwanted.Load() }

// Size returns about how many bytes of memory t's data takes.
func (t *Task) Size() int { return len(t.Values.data) + 4*len(t.Values.ends) + len(t.Stdin) }

// Forget lets go of t's data.
func (t *Task) Forget() { t.Values, t.Stdin = Values{}, nil }
