package main

import (
	"errors"
	"fmt"

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

// onPool connects to the pool for do. It is not closed: this process's end does that, and
// to unmap it takes longer than all that apply does here.
func onPool(d *shm.Dir, name string, do func(*server.PoolClient) error) error {
	p, err := server.DialPool(d, name)
	if err == nil {
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
