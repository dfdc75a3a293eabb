package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const barrierLong = `Let N commands wait for each other (Python's multiprocessing.Barrier): wait ends
when N of them wait, for all at once, and the next N may come. It prints how many
came before this one: who reads 0 was the first.

A party that dies while it waits, or whose --timeout is over, breaks the barrier:
the others end with status 1, and so does who comes later, until reset. A barrier
exists from its first use; all must name the same N.`

const barrierExamples = `  for i in 1 2 3; do (./load $i; mpx barrier wait phase -n 3; ./compute $i) & done; wait
  mpx barrier wait phase -n 3 --timeout 1m || exit
  mpx barrier reset phase`

const barrierBroken = "  1     the barrier is broken\n"

func (a *app) barrierCommand() *cobra.Command {
	w, number := &waitFlags{}, ""
	return a.objectGroup(
		&cobra.Command{Use: "barrier", Short: "Let commands wait for each other", Long: barrierLong, Example: barrierExamples},
		statusDone+barrierBroken+"  124   the others had not come within --timeout; the barrier is broken now\n"+statusAny,
		objectVerb{
			use: "wait -n N [--timeout D] NAME", short: "Wait until N wait", waits: w,
			examples: "  mpx barrier wait phase -n 3\n  mpx barrier wait phase -n 3 --timeout 1m || exit",
			status:   "  0     all have come\n" + barrierBroken + "  124   the others had not come within --timeout; the barrier is broken now\n" + statusAny,
			flags:    func(f *pflag.FlagSet) { f.StringVarP(&number, "number", "n", "", "how many wait for each other: `N`") },
			run: func(d *shm.Dir, name string, _ []string) error {
				wait, err := w.wait()
				if err != nil {
					return err
				}
				return a.awaitBarrier(d, name, number, wait)
			},
		},
		objectVerb{
			use: "reset NAME", short: "Make a broken barrier whole, and an empty one of it",
			examples: "  mpx barrier reset phase\n  mpx barrier wait phase -n 3 || mpx barrier reset phase",
			status:   statusDone + statusNone,
			run: func(d *shm.Dir, name string, _ []string) error {
				b, err := d.OpenBarrier(name, 0)
				if err != nil {
					return err
				}
				defer b.Close()
				return b.Reset()
			},
		},
	)
}

func (a *app) awaitBarrier(d *shm.Dir, name, number string, w shm.Wait) error {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > shm.MaxBarrier {
		return usagef(fmt.Sprintf("-n N, a number from 1 to %d", shm.MaxBarrier), "how many wait at the barrier? -n %q makes no sense", number)
	}
	b, err := d.OpenBarrier(name, n)
	var size *shm.SizeError
	if errors.As(err, &size) {
		return usagef(fmt.Sprintf("-n %d, or mpx rm %s first", size.Have, name), "%v", err)
	}
	if err != nil {
		return err
	}
	defer b.Close()
	before, err := b.Wait(os.Getpid(), w)
	if errors.Is(err, shm.ErrBroken) {
		return &failedError{err.Error(), "once all know of it: mpx barrier reset " + name}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, before)
	return err
}
