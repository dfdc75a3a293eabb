package main

import (
	"fmt"
	"strings"

	"mpx/internal/server"
	"mpx/internal/shm"
)

func (a *app) poolApply() objectVerb {
	return objectVerb{
		use: "apply NAME VALUE...", short: "Run a task and wait: its output, its status", min: 1, max: anyNumber, first: true,
		long: `Run one task with these values, wait, and print what it has printed, stdout to stdout
and stderr to stderr, when it has ended. Its exit status is this command's. Before a
value that begins with - stands --, as anywhere.

When this command is killed the task is taken back, unless it has begun.`,
		examples: "  mpx pool apply thumbs a.png 50%\n  seq 100 | xargs -P 8 -n 1 mpx pool apply sums",
		status:   fmt.Sprintf(poolTask, ", or it\n        is closed"),
		run: func(d *shm.Dir, name string, words []string) error {
			return onPool(d, name, func(p *server.PoolClient) error {
				o, err := p.Apply(words, a.stdout, a.stderr)
				return a.taskOutcome(o, err)
			})
		},
	}
}

// taskOutcome ends as a task did, but never by a signal.
func (a *app) taskOutcome(o *server.Outcome, err error) error {
	switch {
	case err != nil:
		return stdoutError(err)
	case o.Status == "lost":
		return &commandError{msg: "the task is lost: " + o.Note, hint: o.Hint, status: exitBroken}
	case o.Status == "timeout":
		return &failedError{"the task was over its --timeout", ""}
	case o.Status == "skipped":
		return &failedError{"the task was not run: the pool has halted", ""}
	case o.Status == "cancelled":
		return &failedError{"the task was cancelled: the pool was terminated, or has halted", ""}
	}
	if o.Note != "" {
		fmt.Fprintln(a.says, "mpx:", strings.TrimSuffix(o.Note, "\n"))
	}
	if o.Hint != "" {
		fmt.Fprintln(a.says, "mpx: hint:", o.Hint)
	}
	if o.Signal != 0 {
		return &outcome{status: 128 + o.Signal}
	}
	return &outcome{status: o.Exit}
}
