package main

import (
	"errors"
	"math"
	"os"
	"strconv"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const condLong = `Wait for others to change something, and tell them: a condition (Python's
multiprocessing.Condition). It goes with the lock of its name, and is for
commands that run inside mpx lock NAME, which hold it.

wait gives up the lock, waits to be notified, and takes the lock again before it
ends. What it waited for need not be so by then: look again, in a loop, or have
--for do that: it runs LINE, a shell line, with the lock held, at first and after
each notification, and waits on until LINE succeeds (Python's wait_for). When the
--timeout is over it runs once more.

notify wakes the one that has waited longest, -n N as many; notify-all wakes all.
They go on when the notifier has let go of the lock. A notification that nobody
waits for is lost.

Whoever is killed while it waits is not counted. It does not hold the lock any
more: its status, 128+N, says so.`

const condExamples = `  mpx lock jobs sh -c 'mpx cond wait jobs --for "test -s list" && head -1 list'
  mpx lock jobs sh -c 'until test -s list; do mpx cond wait jobs || exit; done; head -1 list'
  mpx lock jobs sh -c 'echo new >>list; mpx cond notify jobs'
  mpx lock jobs mpx cond notify-all jobs`

const condStatus = "  2     wrong usage, or not inside mpx lock NAME\n  125   mpx itself failed: I/O"

func (a *app) condCommand() *cobra.Command {
	w, number, line := &waitFlags{}, "1", ""
	return a.objectGroup(
		&cobra.Command{Use: "cond", Short: "Wait for a change under a lock, and tell of it", Long: condLong, Example: condExamples},
		statusDone+"  124   not notified within --timeout; the lock is held again\n"+condStatus,
		objectVerb{
			use: "wait [--timeout D] [--for LINE] NAME", short: "Give up the lock until notified", waits: w,
			examples: "  mpx cond wait jobs\n  mpx cond wait jobs --timeout 1m || exit\n  mpx cond wait jobs --for 'test -s list'",
			status: `  0     notified; with --for, LINE has succeeded
  124   not within --timeout; the lock is held again
  2     wrong usage, or not inside mpx lock NAME
  125   mpx itself failed: I/O; or LINE cannot be run
  128+N LINE died by signal N, and so does mpx`,
			flags: func(f *pflag.FlagSet) {
				f.StringVar(&line, "for", "", "wait until `LINE`, a shell line, succeeds: it runs at first and when notified")
			},
			run: func(d *shm.Dir, name string, _ []string) error {
				wait, err := w.wait()
				if err != nil {
					return err
				}
				return withCond(d, name, func(c *shm.Cond) error {
					if line == "" {
						return c.Wait(os.Getpid(), wait)
					}
					return c.WaitUntil(os.Getpid(), wait, func() (bool, error) { return lineSucceeds(line) })
				})
			},
		},
		objectVerb{
			use: "notify [-n N] NAME", short: "Wake those that have waited longest",
			examples: "  mpx cond notify jobs\n  mpx cond notify -n 2 jobs",
			status:   statusDone + condStatus,
			flags:    func(f *pflag.FlagSet) { f.StringVarP(&number, "number", "n", number, "wake `N` of them") },
			run: func(d *shm.Dir, name string, _ []string) error {
				n, err := strconv.Atoi(number)
				if err != nil || n < 1 {
					return usagef("a number from 1, or mpx cond notify-all", "-n %s makes no sense", number)
				}
				return notify(d, name, n)
			},
		},
		objectVerb{
			use: "notify-all NAME", short: "Wake all that wait",
			examples: "  mpx cond notify-all jobs\n  mpx lock jobs sh -c 'rm list; mpx cond notify-all jobs'",
			status:   statusDone + condStatus,
			run:      func(d *shm.Dir, name string, _ []string) error { return notify(d, name, math.MaxInt) },
		},
	)
}

func notify(d *shm.Dir, name string, n int) error {
	return withCond(d, name, func(c *shm.Cond) error {
		_, err := c.Notify(n)
		return err
	})
}

// withCond calls do with the condition name, whose lock this process must hold.
func withCond(d *shm.Dir, name string, do func(*shm.Cond) error) error {
	c, err := d.OpenCond(name)
	if errors.Is(err, shm.ErrNotHeld) {
		return usagef("mpx lock "+name+" sh -c '… mpx cond …'", "a condition is for commands that hold its lock, and this one does not hold %s", name)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}
