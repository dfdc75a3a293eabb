package main

import (
	"errors"
	"fmt"

	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const semaphoreLong = `A counter that processes take from and give back to (Python's
multiprocessing.Semaphore and BoundedSemaphore): acquire waits until it is over 0
and takes 1, release adds 1.

Nobody owns what was acquired: any process may release, and what a process took
that dies is gone. To run a command in one of N slots, which come back when it
dies, take mpx sem.`

const semaphoreExamples = `  mpx semaphore create slots --value 3 --bounded
  mpx semaphore acquire slots && ./work; mpx semaphore release slots
  mpx semaphore create items --value 0
  (while ./produce; do mpx semaphore release items; done) &
  while mpx semaphore acquire items --timeout 10s; do ./consume; done`

// onSemaphore opens the semaphore for do.
func onSemaphore(do func(*shm.Semaphore) error) func(*shm.Dir, string, []string) error {
	return func(d *shm.Dir, name string, _ []string) error {
		s, err := d.OpenSemaphore(name)
		if err != nil {
			return err
		}
		defer s.Close()
		return do(s)
	}
}

func (a *app) semaphoreCommand() *cobra.Command {
	w := &waitFlags{}
	return a.objectGroup(
		&cobra.Command{Use: "semaphore", Short: "A counter to take from and give back to", Long: semaphoreLong, Example: semaphoreExamples},
		"  0     it is done\n  1     --nonblock, and it would have had to wait; or a bounded one is whole already\n  124   the --timeout ran out\n"+statusNone,
		semaphoreCreate(),
		objectVerb{
			use: "acquire [--timeout D|--nonblock] NAME", short: "Take 1, and wait for it if there is none", wait: w,
			examples: "  mpx semaphore acquire slots\n  mpx semaphore acquire slots --nonblock || echo 'none left'",
			status:   statusDone + statusWait + statusNone,
			run: func(d *shm.Dir, name string, words []string) error {
				wait, err := w.wait()
				if err != nil {
					return err
				}
				return onSemaphore(func(s *shm.Semaphore) error { return s.Acquire(wait) })(d, name, words)
			},
		},
		objectVerb{
			use: "release NAME", short: "Give 1 back, and wake one who waits",
			examples: "  mpx semaphore release slots\n  trap 'mpx semaphore release slots' EXIT",
			status:   statusDone + "  1     it is bounded, and is at its first value already\n" + statusNone,
			run:      onSemaphore(release),
		},
		objectVerb{
			use: "value NAME", short: "Print how many there are",
			examples: "  mpx semaphore value slots\n  test \"$(mpx semaphore value items)\" -gt 0",
			status:   "  0     it was printed\n" + statusNone,
			run: onSemaphore(func(s *shm.Semaphore) error {
				v, err := s.Value()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(a.stdout, v)
				return err
			}),
		},
		removeVerb(shm.KindSemaphore, "  mpx semaphore rm slots\n  trap 'mpx semaphore rm slots' EXIT"),
	)
}

func release(s *shm.Semaphore) error {
	err := s.Release()
	if errors.Is(err, shm.ErrReleased) {
		return &failedError{err.Error(), ""}
	}
	return err
}

func semaphoreCreate() objectVerb {
	var value uint32
	var bounded, ifMissing bool
	return objectVerb{
		use: "create [--value N] [--bounded] [--if-missing] NAME", short: "Make one",
		examples: "  mpx semaphore create slots --value 3 --bounded\n  mpx semaphore create items --value 0 --if-missing",
		status:   statusDone + "  2     wrong usage, or there is one of that name\n  125   mpx itself failed: I/O",
		flags: func(f *pflag.FlagSet) {
			f.Uint32Var(&value, "value", 1, "there are `N` at first")
			f.BoolVar(&bounded, "bounded", false, "refuse a release that would make them more than at first")
			f.BoolVar(&ifMissing, "if-missing", false, "leave one that is there as it is")
		},
		run: func(d *shm.Dir, name string, _ []string) error {
			if value > shm.MaxSemaphore {
				return usagef(fmt.Sprintf("at most %d", shm.MaxSemaphore), "--value %d is too many", value)
			}
			s, err := found(ifMissing,
				func() (*shm.Semaphore, error) { return d.MakeSemaphore(name, value, bounded) },
				func() (*shm.Semaphore, error) { return d.OpenSemaphore(name) })
			if err != nil {
				return err
			}
			return s.Close()
		},
	}
}
