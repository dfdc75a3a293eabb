package main

import (
	"errors"
	"fmt"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
)

const rmLong = `Remove shared objects, of whatever kind.

One that is held or waited for is removed all the same: who holds it keeps it, who
waits goes on with the next one of that name, and both run at a time. A process
must have ended; its log goes with it. So must a pool, whose results go. A lock or a
sem that nobody uses takes a file of 8 KB in memory, until the machine stops.

A file that is damaged, or no object at all, goes when nobody has it open. What was
made in another container, or by another version of mpx, does not: whether somebody
uses it cannot be told from here.`

const rmExamples = `  mpx rm deploy
  mpx ls | awk '$2 == "event" {print $1}' | xargs mpx rm -f`

func (a *app) rmCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "rm NAME...",
		Short:   "Remove shared objects",
		Long:    rmLong,
		Example: rmExamples,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.removeObjects(cmd, args, force) },
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "say nothing of what is not there")
	return helped(cmd, `  0     all of them are removed
  1     there is none of a name, or it is a process or a pool that runs; the others are removed
  2     wrong usage
  125   one could not be removed, or it cannot be told from here whether it may; the others are`)
}

func (a *app) removeObjects(cmd *cobra.Command, names []string, force bool) error {
	if len(names) == 0 && force {
		return nil
	}
	for rest := names; len(rest) > 0 || len(names) == 0; {
		var err error
		if _, rest, err = objectName(cmd, rest); err != nil {
			return err
		}
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	var worst error
	var failed *failedError
	for _, name := range names {
		err := removeObject(dir, name)
		switch {
		case errors.Is(err, shm.ErrNotExist) && force:
			continue
		case errors.Is(err, shm.ErrNotExist):
			err = &failedError{fmt.Sprintf("%s: %v", name, err), ""}
		case errors.Is(err, shm.ErrRunning):
			err = &failedError{fmt.Sprintf("%s: %v", name, err), runningHint(name)}
		case errors.As(err, &failed):
		default:
			err = objectError(name, err, nil)
		}
		switch status, _ := explain(a.says, err); {
		case status == exitBroken:
			worst = &outcome{status: exitBroken}
		case status != exitOK && worst == nil:
			worst = &outcome{status: exitFailed}
		}
	}
	return worst
}

// removeObject removes an object of whatever kind. Of a pool that has ended, while
// results wait, its supervisor does it.
func removeObject(dir *shm.Dir, name string) error {
	err := dir.Remove(name)
	if !errors.Is(err, shm.ErrRunning) {
		return err
	}
	p, oerr := dir.OpenPool(name)
	if oerr != nil {
		return err // a process
	}
	p.Close()
	return removePool(dir, name)
}
