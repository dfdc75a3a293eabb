package report

import (
	"io"

	"mpx/internal/task"
)

// Order is the order in which tasks are printed.
type Order uint8

// The orders.
const (
	Input      Order = iota // by task number
	Completion              // as tasks end
)

// Mode is the form in which tasks are printed.
type Mode uint8

// The modes. Ungrouped and Quiet print nothing but notices: there the tasks
// have written for themselves, here nobody wants to see it.
const (
	Grouped      Mode = iota // a task's stdout whole, then its stderr whole
	LineBuffered             // whole lines as they come, given to Live
	Ungrouped
	JSON // one object a task, a line each
	Quiet
)

// Options say where and how a run is shown.
type Options struct {
	Stdout, Stderr io.Writer
	OneScreen      bool // both are the terminal, where progress may be shown
	Screen         bool // Stderr is a terminal
	Order          Order
	Mode           Mode

	// Tag returns what stands before each line of a task, without the TAB;
	// nil: lines are not tagged.
	Tag func(t *task.Task, slot int) []byte
	// Command returns a task's command, word for word; nil: it is not told.
	Command func(t *task.Task, slot int) []string
	// Display returns the command for people, in the message at the end; nil:
	// the words of Command, a blank between them.
	Display func(t *task.Task, slot int) string

	// GitHub is one more of the Records, and keeps commands in the output from
	// the runner; nil: this is no job of GitHub Actions.
	GitHub *GitHub

	// Replies says that successes are replies of filters, which are trusted when
	// Vouch says so, and may be taken back until then: see Doubt.
	Replies bool

	Results *Results    // nil: none; the Report closes it
	Joblog  *Joblog     // nil: none; the Report closes it
	Records []Recorder  // told of every attempt; the Report closes them
	Store   *task.Store // holds back what Live is given; nil: one of its own
	ErrName string      // stands before notices; "": mpx
}
