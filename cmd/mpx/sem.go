package main

import (
	"errors"
	"fmt"
	"os"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
)

const semLong = `Run COMMAND in one of the N slots of the sem NAME, so that no more than N run at a
time, whoever starts them, from wherever. It exists from its first use, with one
slot if there is no -n. mpx becomes the command: its status, signals and terminal
are the command's, and nothing of mpx is left.

The slot is the process's that mpx has become, whatever it closes or leaves. It is
free when that ends, however it does, kill -9 included; what COMMAND leaves running
in the background has none. Slots are given in the order in which they were asked
for. For Python's Semaphore, a bare counter that nobody owns, see mpx semaphore.

N is the sem's: another one is refused, and --resize changes it. With more slots
waiters start at once; with fewer nobody is ended, and the next ones to end make
no room.`

const semExamples = `  mpx sem fetch -n 4 curl -O https://example.org/a.iso     # in any number of terminals
  for f in *.wav; do mpx sem enc -j 2 lame "$f" & done; wait
  mpx sem fetch -n 8 --resize true                         # from now on eight
  mpx sem gpu -n 1 --timeout 1h -- python3 train.py`

type semOptions struct {
	waitFlags
	busyFlag
	slots  string
	resize bool
}

func (a *app) semCommand() *cobra.Command {
	o := &semOptions{}
	cmd := &cobra.Command{
		Use:     "sem NAME -n N [flags] [--] COMMAND [ARG]...",
		Short:   "Run a command in one of N slots",
		Long:    semLong,
		Example: semExamples,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runSem(cmd, o, args) },
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringVarP(&o.slots, "slots", "n", "", "there are `N` slots, or N%, +N, -N of the processors")
	f.StringVarP(&o.slots, "jobs", "j", "", "the same `N`, as GNU sem's")
	f.BoolVar(&o.resize, "resize", false, "change the number of slots if it is another")
	o.waitFlags.add(f)
	o.busyFlag.add(f)
	return helped(cmd, waitStatus)
}

// number returns how many slots there are to be; 0: the user did not say.
func (o *semOptions) number() (int, error) {
	if o.slots == "" {
		if o.resize {
			return 0, usagef("--resize -n N", "--resize wants the number of slots")
		}
		return 0, nil
	}
	n, err := parseJobs(o.slots)
	if err != nil || n < 1 || n > shm.MaxSlots {
		return 0, usagef(fmt.Sprintf("1 to %d, or N%%, +N, -N of the processors", shm.MaxSlots), "-n %s makes no sense", o.slots)
	}
	return n, nil
}

func (a *app) runSem(cmd *cobra.Command, o *semOptions, args []string) error {
	name, words, err := objectCommand(cmd, args)
	if err != nil {
		return err
	}
	n, err := o.number()
	if err != nil {
		return err
	}
	w, err := o.prepare(cmd, &o.busyFlag, words)
	if err != nil {
		return err
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	dir = dir.Within(w)
	_, err = dir.AcquireSem(name, n, o.resize, w)
	var other *shm.SlotsError
	if errors.As(err, &other) {
		return usagef(fmt.Sprintf("-n %d, or --resize", other.Have), "%v", err)
	}
	if err != nil {
		return a.inVain(dir, name, err, &o.waitFlags, &o.busyFlag)
	}
	return become(words, os.Environ())
}
