package main

import (
	"errors"
	"fmt"
	"io"

	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const poolStartLong = `Start the pool NAME, and return once its supervisor takes tasks: with an
--initializer when a first worker has run it, so that one which fails fails here.

COMMAND is as in mpx map: several words run as they are, a single word is a shell
line, {} {1} {2} … {#} {%} are placeholders, and values without one are appended. A
task has the values that apply or submit is called with: {} all of them, {1} the
first. Without COMMAND a value is a command line. With --worker filter it is a record.

Tasks run in the directory and with the environment of this command, and no open
file of it. They begin in the order in which they came; a worker is given one at a
time, unless --chunksize says more. Workers start as they are needed.

What submit's tasks print is kept until mpx pool get: a little in memory, the rest in
a file without a name in --tmpdir, and dropped --result-ttl after the task's end. The
values of tasks that wait are kept likewise; a task is refused if there is no room.

A pool that --halt ends takes no more tasks. What waits is not run, and who has applied
or submitted it is told.

What the supervisor has to say goes to a log, which mpx pool status --json names.`

const poolStartExamples = `  mpx pool start thumbs -j4 convert {1} -resize {2} {1.}-small.png
  mpx pool start sums --worker filter bc -l; mpx pool apply sums 6*7
  mpx pool start py --initializer './warm-cache' --idle-exit 10m ./task.py
  mpx pool start ci --die-with-parent=$$      # a value is a command line`

func (a *app) poolStart() *cobra.Command {
	o := &poolOptions{}
	cmd := &cobra.Command{
		Use: "start [flags] NAME [flags] [--] [COMMAND [ARG]...]", Short: "Start a pool",
		Long: poolStartLong, Example: poolStartExamples,
		RunE: func(cmd *cobra.Command, args []string) error { return a.startPool(cmd, o, args) },
	}
	o.addFlags(cmd.Flags())
	return helped(cmd, `  0     it takes tasks
  2     wrong usage, or there is an object of that name
  125   mpx itself failed, or the initializer did`)
}

func (a *app) startPool(cmd *cobra.Command, o *poolOptions, args []string) error {
	name, words, err := objectCommand(cmd, args)
	if err != nil {
		return err
	}
	if _, err := o.setup(words, io.Discard); err != nil { // mistakes are found here
		return err
	}
	if h := initializerHint(o.initializer); h != "" && o.worker == "exec" {
		fmt.Fprintf(a.says, "mpx: what the initializer sets does not reach tasks: each is a process of its own\nmpx: hint: %s\n", h)
	}
	parent, err := (&processStartOptions{o.parent}).open()
	if err != nil {
		return err
	}
	if parent >= 0 {
		defer unix.Close(parent)
	}
	dir, err := a.objects()
	if err != nil {
		return err
	}
	s := &server.PoolSpec{Dir: dir, Name: name, Parent: parent, Words: poolWords(cmd.Flags(), words)}
	for range startTries {
		if err = server.StartPool(s); !errors.Is(err, shm.ErrExists) {
			break
		}
		if err := poolTaken(dir, name); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("start the pool %s: %w", name, err)
	}
	return nil
}

// startTries is how often a name is tried that is another's whenever it is tried, and
// nobody's when one looks whose.
const startTries = 20

// poolTaken says by what the name is taken; nil: it is not, by now.
func poolTaken(dir *shm.Dir, name string) error {
	p, err := dir.OpenPool(name)
	if errors.Is(err, shm.ErrNotExist) {
		return nil
	}
	if err != nil {
		return objectError(name, err, nil) // an object of another kind
	}
	defer p.Close()
	state, pid, err := p.Look()
	switch {
	case err == nil && state == shm.PoolLost:
		return nil
	case err != nil:
		return objectError(name, err, nil)
	case state == shm.PoolEnded:
		return usagef("mpx pool get takes them away, mpx pool rm "+name+" drops them", "the pool %s has ended, and results still wait", name)
	}
	return usagef("another name; or mpx pool terminate "+name+"; mpx pool join "+name, "the pool %s is there, and its supervisor is process %d", name, pid)
}
