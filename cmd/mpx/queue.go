package main

import (
	"errors"
	"fmt"
	"io"

	"mpx/internal/ipc"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const queueLong = `A queue of items between any processes (Python's Queue and JoinableQueue): first
in, first out. An item is any bytes, of any length. Items stay while no process is
there; put ends when they are in the queue, whatever happens afterwards; of one on
disk (create --dir) to the machine, too.

get takes an item and prints it; done says that it is done, and join waits until
all are. get NAME COMMAND leases it to COMMAND instead: when that succeeds the item
is done, and when it fails or dies, or mpx does, the item goes back.

close says that nothing follows: when all has been had, and nothing is on lease,
get ends with status 3.`

const queueExamples = `  mpx queue create jobs
  ls *.wav | mpx queue put jobs
  while mpx queue get jobs ./encode; do :; done       # as many of these as you like
  mpx queue close jobs                                # they end when all is done
  mpx queue get --follow jobs | mpx map -j 8 ./encode`

const queueStatus = `  0     it is done, or the answer is yes
  1     empty, full: the answer is no; --nonblock, and it would have had to wait
  3     the queue is closed; get: and drained
  124   the --timeout ran out
`

func (a *app) queueCommand() *cobra.Command {
	w := &waitFlags{}
	return a.objectGroup(
		&cobra.Command{Use: "queue", Short: "First in, first out, for any processes", Long: queueLong, Example: queueExamples},
		queueStatus+statusNone,
		a.queueCreate(),
		a.queuePut(),
		a.queueGet(),
		objectVerb{
			use: "size NAME", short: "Print how many items wait",
			examples: "  mpx queue size jobs\n  test \"$(mpx queue size jobs)\" -lt 100 && ./produce",
			status:   "  0     it was printed\n" + statusNone,
			run: a.onQueue(func(q *ipc.Queue) error {
				s, err := q.State()
				if err == nil {
					_, err = fmt.Fprintln(a.stdout, s.Waiting)
				}
				return err
			}),
		},
		a.askQueue("empty", "Tell whether no item waits, by the exit status", func(s *ipc.QueueState) bool { return s.Waiting == 0 }),
		a.askQueue("full", "Tell whether a put would have to wait, by the exit status", (*ipc.QueueState).Full),
		objectVerb{
			use: "close NAME", short: "Say that no more is put", run: a.onQueue((*ipc.Queue).SetClosed),
			long:     "Say that no more is put. Who waits for an item ends with status 3 when all have\nbeen had, and none is on lease any more.",
			examples: "  mpx queue close jobs\n  ./produce | mpx queue put jobs && mpx queue close jobs",
			status:   statusDone + statusNone,
		},
		objectVerb{
			use: "done NAME", short: "Say that an item that was taken is done",
			long: "Say that an item that get has taken is done (Python's task_done). An item that\nwas leased to a command is done when the command has succeeded.",
			run: func(d *shm.Dir, name string, _ []string) error {
				err := a.onQueue((*ipc.Queue).TaskDone)(d, name, nil)
				if errors.Is(err, ipc.ErrTooManyDone) {
					return usagef("once for each item that mpx queue get NAME has printed", "%s: %v", name, err)
				}
				return err
			},
			examples: "  item=$(mpx queue get jobs) && ./work \"$item\" && mpx queue done jobs\n  mpx queue done jobs",
			status:   statusDone + "  2     wrong usage, or there is none of that name, or all that were taken are done\n  125   mpx itself failed: I/O",
		},
		objectVerb{
			use: "join [--timeout D] NAME", short: "Wait until all items are done", waits: w,
			long: "Wait until all items that were put are done: those that were taken too, for which\ndone has to be said.",
			run: func(d *shm.Dir, name string, _ []string) error {
				wait, err := w.wait()
				if err != nil {
					return err
				}
				return a.onQueue(func(q *ipc.Queue) error { return q.Join(wait) })(d, name, nil)
			},
			examples: "  mpx queue join jobs && echo 'all done'\n  mpx queue join jobs --timeout 1h",
			status:   "  0     all are done\n  124   the --timeout ran out\n" + statusNone,
		},
		removeVerb(shm.KindQueue, "  mpx queue rm jobs\n  trap 'mpx queue rm jobs' EXIT"),
	)
}

// damaged returns what says on stderr what of a queue is damaged.
func (a *app) damaged(name string) func(*ipc.Damage) {
	return func(d *ipc.Damage) { fmt.Fprintf(a.says, "mpx: %s: %v\n", name, d) }
}

// onQueue opens the queue for do.
func (a *app) onQueue(do func(*ipc.Queue) error) func(*shm.Dir, string, []string) error {
	return func(d *shm.Dir, name string, _ []string) error {
		q, err := ipc.OpenQueue(d, name)
		if err != nil {
			return err
		}
		defer q.Close()
		q.Tell(a.damaged(name))
		return queueError(do(q))
	}
}

// queueError has the end of a queue be the exit status that it is.
func queueError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return &outcome{status: exitEnd}
	case errors.Is(err, ipc.ErrQueueClosed):
		return &commandError{msg: err.Error(), status: exitEnd}
	}
	return err
}

func (a *app) askQueue(verb, short string, yes func(*ipc.QueueState) bool) objectVerb {
	return objectVerb{
		use: verb + " NAME", short: short,
		examples: fmt.Sprintf("  mpx queue %s jobs && echo yes\n  until mpx queue %[1]s jobs; do sleep 1; done", verb),
		status:   "  0     yes\n  1     no\n" + statusNone,
		run: a.onQueue(func(q *ipc.Queue) error {
			s, err := q.State()
			if err == nil && !yes(&s) {
				return &outcome{status: exitFailed}
			}
			return err
		}),
	}
}

func (a *app) queueCreate() objectVerb {
	var most int
	var place string
	var ifMissing bool
	return objectVerb{
		use: "create [--maxsize N] [--dir DIR] [--if-missing] NAME", short: "Make one",
		long: `Make a queue. It is in memory, where all shared objects are, and is gone when the
machine stops; with --dir DIR it is in that directory, and goes on when it is
created again by the same words: put ends when its items are on the disk (fsync, of
many puts together), get when it is there that they were had (--follow: each second, and
when it waits). What a power cut has torn is cut off; a record that is damaged is set
aside and told on stderr, and all others are given out, here as in memory. DIR must be
yours alone (chmod 700).`,
		examples: "  mpx queue create jobs\n  mpx queue create jobs --maxsize 100 --if-missing\n  mpx queue create mail --dir ~/queues",
		status:   statusDone + "  2     wrong usage, or there is one of that name (--if-missing: of another --maxsize)\n  125   mpx itself failed: I/O",
		flags: func(f *pflag.FlagSet) {
			f.IntVar(&most, "maxsize", 0, "let at most `N` items wait: who puts more waits; 0: any number")
			f.StringVar(&place, "dir", "", "keep it in directory `DIR`, where it outlasts the machine's stop")
			f.BoolVar(&ifMissing, "if-missing", false, "leave one that is there as it is")
		},
		run: func(d *shm.Dir, name string, _ []string) error {
			if most < 0 {
				return usagef("a number from 0", "--maxsize %d makes no sense", most)
			}
			q, err := found(ifMissing,
				func() (*ipc.Queue, error) { return ipc.MakeQueue(d, name, most, place) },
				func() (*ipc.Queue, error) { return ipc.OpenQueue(d, name) })
			switch {
			case errors.Is(err, ipc.ErrPlace):
				return usagef("another one, which outlasts the machine's stop", "--dir %s: %v", place, err)
			case err != nil:
				return err
			}
			defer q.Close()
			q.Tell(a.damaged(name))
			if place != "" && !q.KeptIn(place) {
				return usagef("another name, or leave --dir away", "%s is there, and not kept in %s", name, place)
			}
			s, err := q.State()
			if err == nil && s.Most != most {
				err = usagef("another name, or leave it as it is", "%s is there, and its maxsize is %d, not %d", name, s.Most, most)
			}
			return err
		},
	}
}
