package task

import "time"

// Status is how a task ended. The words are those of --json.
type Status uint8

// A task that has ended is in exactly one of these.
const (
	OK        Status = iota // its exit status is one of --ok-status
	Failed                  // any other exit status, or it could not be started (126, 127)
	Signalled               // ended by a signal that mpx did not send
	TimedOut                // ended by mpx: over --timeout
	Lost                    // its worker died under it
	Skipped                 // not run, by policy
	Cancelled               // not run or ended, because the run was ended
)

var statusWords = [...]string{"ok", "failed", "signalled", "timeout", "lost", "skipped", "cancelled"}

func (s Status) String() string { return statusWords[s] }

// Usage is what a task used of the machine, as wait4(2) tells.
type Usage struct {
	User, System time.Duration
	MaxRSS       int64 // bytes
	Known        bool  // false where the task is not a process of its own
}

// A Result is what came of a task.
type Result struct {
	Task
	Status  Status
	Exit    int // exit status, 0 after a signal
	Signal  int // the signal that ended it, else 0
	Worker  int // number of the worker that ran it, from 1; 0: none did
	Slot    int // job slot, from 1; 0: none
	Start   time.Time
	Elapsed time.Duration
	Usage   Usage
	Stdout  Output
	Stderr  Output
	// Again says that another attempt follows: this is not the task's outcome.
	Again bool
	// Note is what mpx has to say about the task beyond what the command said
	// itself ("nosuch: command not found"); Hint is the remedy. The same Note
	// is shown to the user once.
	Note, Hint string
}

// Release gives back what the outputs hold. r's outputs are empty afterwards.
func (r *Result) Release() {
	r.Stdout.Release()
	r.Stderr.Release()
}
