package main

import (
	"errors"
	"fmt"
	"strings"

	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
)

const poolLong = `Keep a pool of workers going for whoever has a task (Python's multiprocessing.Pool,
but it outlives the command that started it): warm workers, at most so many tasks at
a time over all terminals, scripts and jobs, results that wait until they are wanted.

apply runs a task and waits: what it prints and its status are the command's own.
submit prints a ticket at once; get, with that ticket, has the output and the status,
once. Results are kept in memory and, where there are many, on disk, until they are
had or --result-ttl is over, an hour unless start says otherwise.

close takes no more tasks, terminate ends what runs, join waits for either. The name
is free again when the last worker is gone and no result waits.

A client that is killed or interrupted: its applied task is taken back if no worker
has it, and else goes on to its end, its output dropped; what was submitted stays.
SIGTERM to the supervisor is terminate, and no result is waited for. When it is
killed, all that the pool runs ends, clients are told at once, and start starts a new
one.`

const poolExamples = `  mpx pool start thumbs -j4 convert {1} -resize {2} {1.}-small.png
  mpx pool apply thumbs a.png 50%
  t=$(mpx pool submit thumbs b.png 50%); mpx pool get thumbs "$t"
  mpx pool close thumbs; mpx pool join thumbs`

const (
	poolNone = "  2     wrong usage, or there is no pool of that name\n  125   mpx itself failed: I/O, or the pool's supervisor was killed"
	poolTask = `  N     the task's exit status; 128+N if it was ended by signal N
  126   the task's command cannot be run
  127   the task's command is not found
  1     the task was over its --timeout, or was cancelled: the pool was terminated
  2     wrong usage, or there is no pool of that name%s
  125   the task is lost: its worker was killed; or mpx itself failed: I/O, or the
        pool's supervisor was killed`
)

func (a *app) poolCommand() *cobra.Command {
	group := &cobra.Command{Use: "pool", Short: "Pools of workers with a name, for whoever has a task", Long: poolLong, Example: poolExamples}
	return a.objectGroup(group, statusDone+"  1     ready, successful: no; rm: it runs\n  124   the --timeout ran out\n"+poolNone+"\n\n  apply and get have the status of the task.",
		objectVerb{use: "start", make: a.poolStart}, a.poolApply(), a.poolSubmit(), a.poolGet(),
		a.poolAsk("ready", "Tell whether the task has ended, by the exit status", (*server.PoolClient).Ready),
		a.poolAsk("successful", "Tell whether the task went well, by the exit status", (*server.PoolClient).Successful),
		a.poolWait(), a.poolStatus(), poolClose(), poolJoin(), poolTerminate(), poolRemove())
}

// onPool connects to the pool for do.
func onPool(d *shm.Dir, name string, do func(*server.PoolClient) error) error {
	p, err := server.DialPool(d, name)
	if err == nil {
		defer p.Close()
		err = do(p)
	}
	return poolError(name, err)
}

// poolError says of a pool what objectError would not know.
func poolError(name string, err error) error {
	var e *server.PoolError
	var l *server.LostError
	switch {
	case errors.Is(err, shm.ErrNotExist):
		return usagef("mpx ls lists what there is; mpx pool start "+name+" COMMAND starts it", "there is no pool %s", name)
	case errors.As(err, &l):
		return &commandError{msg: l.Error(), hint: "mpx pool start " + name + " … starts it again", status: exitBroken}
	case errors.As(err, &e):
		return refusedBy(name, e)
	}
	return err
}

// refusedBy is the refusal of a pool's supervisor.
func refusedBy(name string, e *server.PoolError) error {
	switch e.Kind {
	case server.KindTimeout:
		return &outcome{status: exitTimeout}
	case server.KindClosed:
		return usagef("mpx pool join "+name+" waits for its end; then mpx pool start …", "%s: %s", name, e.Text)
	case server.KindRunning:
		return usagef(fmt.Sprintf("mpx pool close %s, or mpx pool terminate %[1]s, first", name), "%s: %s", name, e.Text)
	case server.KindUsage, server.KindUnknown, server.KindNotReady:
		return usagef(e.Hint, "%s: %s", name, e.Text)
	}
	return fmt.Errorf("the pool gave up: %s", e.Text)
}

func (a *app) poolApply() objectVerb {
	return objectVerb{
		use: "apply NAME VALUE...", short: "Run a task and wait: its output, its status", min: 1, max: anyNumber, first: true,
		long: `Run one task with these values, wait, and print what it has printed, stdout to stdout
and stderr to stderr, when it has ended. Its exit status is this command's. Before a
value that begins with - stands --, as anywhere.

When this command is killed the task is taken back, unless a worker has it.`,
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

func (a *app) poolGet() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "get [--timeout D] NAME TICKET", short: "Wait for a submitted task: its output, its status", min: 1, max: 1, waits: w,
		long: `Wait until the task of TICKET has ended, print what it has printed, stdout to stdout
and stderr to stderr, and end with its exit status. Then the ticket is unknown. If
this command is killed before all is printed, it is not, and the next get has all.`,
		examples: "  mpx pool get thumbs \"$ticket\"\n  mpx pool get --timeout 10s thumbs \"$ticket\"; test $? = 124 && echo 'not yet'",
		status:   fmt.Sprintf(poolTask, ", or no\n        such ticket") + "\n  124   the --timeout ran out",
		run: func(d *shm.Dir, name string, words []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			return onPool(d, name, func(p *server.PoolClient) error {
				o, err := p.Get(words[0], wait, a.stdout, a.stderr)
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
		fmt.Fprintln(a.stderr, "mpx:", strings.TrimSuffix(o.Note, "\n"))
	}
	if o.Hint != "" {
		fmt.Fprintln(a.stderr, "mpx: hint:", o.Hint)
	}
	if o.Signal != 0 {
		return &outcome{status: 128 + o.Signal}
	}
	return &outcome{status: o.Exit}
}

func (a *app) poolSubmit() objectVerb {
	return objectVerb{
		use: "submit NAME VALUE...", short: "Begin a task and print its ticket", min: 1, max: anyNumber, first: true,
		long:     "Hand in one task with these values, and print a ticket, by which mpx pool get has\nwhat comes of it. What nobody gets is dropped after start's --result-ttl.",
		examples: "  ticket=$(mpx pool submit thumbs b.png 50%)\n  for f in *.png; do mpx pool submit thumbs \"$f\" 50%; done >tickets",
		status:   "  0     its ticket was printed\n" + poolNone,
		run: func(d *shm.Dir, name string, words []string) error {
			return onPool(d, name, func(p *server.PoolClient) error {
				ticket, err := p.Submit(words)
				if err == nil {
					_, err = fmt.Fprintln(a.stdout, ticket)
				}
				return stdoutError(err)
			})
		},
	}
}

func (a *app) poolAsk(verb, short string, ask func(*server.PoolClient, string) (bool, error)) objectVerb {
	status := "  0     yes\n  1     no\n  2     wrong usage, or there is no such pool or ticket\n  125   mpx itself failed: I/O, or the pool's supervisor was killed"
	if verb == "successful" {
		status = strings.Replace(status, "or ticket", "or ticket, or the task has\n        not ended", 1)
	}
	return objectVerb{
		use: verb + " NAME TICKET", short: short, min: 1, max: 1,
		long:     short + ".\nThe result stays where it is.",
		examples: fmt.Sprintf("  mpx pool %s thumbs \"$ticket\" && echo yes\n  mpx pool wait thumbs \"$ticket\" && mpx pool %[1]s thumbs \"$ticket\"", verb),
		status:   status,
		run: func(d *shm.Dir, name string, words []string) error {
			return onPool(d, name, func(p *server.PoolClient) error {
				yes, err := ask(p, words[0])
				if err == nil && !yes {
					return &outcome{status: exitFailed}
				}
				return err
			})
		},
	}
}

func (a *app) poolWait() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "wait [--timeout D] NAME TICKET", short: "Wait until a submitted task has ended", min: 1, max: 1, waits: w,
		examples: "  mpx pool wait thumbs \"$ticket\"\n  mpx pool wait --timeout 1m thumbs \"$ticket\" || echo 'not yet'",
		status:   "  0     it has ended, whatever came of it\n  124   the --timeout ran out\n  2     wrong usage, or there is no such pool or ticket\n  125   mpx itself failed: I/O, or the pool's supervisor was killed",
		run: func(d *shm.Dir, name string, words []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			return onPool(d, name, func(p *server.PoolClient) error { return p.Wait(words[0], wait) })
		},
	}
}

func poolClose() objectVerb {
	return objectVerb{
		use: "close NAME", short: "Take no more tasks; what was handed in is done",
		examples: "  mpx pool close thumbs; mpx pool join thumbs\n  trap 'mpx pool close thumbs' EXIT",
		status:   statusDone + poolNone,
		run: func(d *shm.Dir, name string, _ []string) error {
			return onPool(d, name, (*server.PoolClient).Shut)
		},
	}
}

func poolTerminate() objectVerb {
	return objectVerb{
		use: "terminate NAME", short: "End what runs, and take no more tasks",
		long: `End what runs, by SIGTERM and, after start's --kill-after, SIGKILL, and drop what
waits: who has applied or submitted it is told that it was cancelled. A second
terminate kills at once. It does not wait; join does.`,
		examples: "  mpx pool terminate thumbs; mpx pool join thumbs\n  trap 'mpx pool terminate thumbs' EXIT",
		status:   statusDone + poolNone,
		run: func(d *shm.Dir, name string, _ []string) error {
			return onPool(d, name, (*server.PoolClient).Terminate)
		},
	}
}

func poolJoin() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "join [--timeout D] NAME", short: "Wait for the end of a pool that was closed or terminated", waits: w,
		long: `Wait until the last worker is gone. Before close or terminate that is an error, as
in Python. When no result waits the pool is gone with its name: so there is nothing
to wait for where there is no pool of that name.`,
		examples: "  mpx pool close thumbs; mpx pool join thumbs\n  mpx pool join thumbs --timeout 1h",
		status:   "  0     it has ended, or there is none of that name\n  124   the --timeout ran out\n  2     wrong usage, or: Pool is still running\n  125   mpx itself failed, the pool gave up, or its supervisor was killed",
		run: func(d *shm.Dir, name string, _ []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			if o, err := d.Open(name, 0); errors.Is(err, shm.ErrNotExist) {
				return nil
			} else if err == nil {
				o.Close()
			}
			err = onPool(d, name, func(p *server.PoolClient) error {
				err := p.Join(wait)
				var l *server.LostError
				if errors.As(err, &l) && l.Planned {
					return nil
				}
				return err
			})
			return err
		},
	}
}

func poolRemove() objectVerb {
	return objectVerb{
		use: "rm NAME", short: "Remove a pool that has ended, with the results that wait",
		long:     "Remove a pool that has ended, with the results that wait, or one whose supervisor\nwas killed. One that runs is terminated first: mpx pool terminate.",
		examples: "  mpx pool rm thumbs\n  mpx pool terminate thumbs; mpx pool join thumbs; mpx pool rm thumbs",
		status:   statusDone + "  1     it runs\n" + poolNone,
		run:      func(d *shm.Dir, name string, _ []string) error { return removePool(d, name) },
	}
}

// removePool removes a pool that has ended, or whose supervisor was killed.
func removePool(d *shm.Dir, name string) error {
	record, err := d.OpenPool(name)
	if err != nil {
		return poolError(name, err)
	}
	defer record.Close()
	if err := record.Remove(); err == nil || errors.Is(err, shm.ErrRemoved) {
		return nil
	} else if !errors.Is(err, shm.ErrRunning) {
		return err
	}
	p, err := server.DialPool(d, name)
	if err != nil {
		return poolError(name, err)
	}
	defer p.Close()
	var e *server.PoolError
	if err = p.Remove(); errors.As(err, &e) && e.Kind == server.KindRunning {
		return &failedError{"it is running", fmt.Sprintf("mpx pool terminate %s; mpx pool join %[1]s; then again", name)}
	}
	return poolError(name, err)
}
