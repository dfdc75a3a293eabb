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
sem that nobody uses takes a file of 8 KB in memory, until the machine stops.`

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
  125   mpx itself failed`)
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
		case errors.Is(err, shm.ErrNotExist) && force, err == nil:
		case errors.Is(err, shm.ErrNotExist):
			fmt.Fprintf(a.says, "mpx: %s: %v\n", name, err)
			worst = &outcome{status: exitFailed}
		case errors.Is(err, shm.ErrRunning):
			fmt.Fprintf(a.says, "mpx: %s: %v\nmpx: hint: %s\n", name, err, runningHint(name))
			worst = &outcome{status: exitFailed}
		case errors.As(err, &failed):
			fmt.Fprintf(a.says, "mpx: %s\nmpx: hint: %s\n", failed.msg, failed.hint)
			worst = &outcome{status: exitFailed}
		default:
			return objectError(name, err, nil)
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
