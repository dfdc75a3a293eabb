package main

import (
	"errors"
	"fmt"
	"strconv"

	"mpx/internal/server"
	"mpx/internal/shm"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const processLong = `Run commands in the background, each under a name by which any other command can
wait for it, ask how it is, and end it (Python's multiprocessing.Process).

A process belongs to no shell: start returns when it runs, and it goes on when the
terminal or the script is gone, unless --die-with-parent. Its stdin is /dev/null,
its stdout and stderr go to its log, which is in memory as all objects are: what
writes much should write to a file of its own. It inherits directory, environment
and open descriptors, as with & in a shell, but for those of locks. Where systemd
removes what a user has in /dev/shm at the last logout, the names go, too; loginctl
enable-linger, RemoveIPC=no and another MPX_DIR keep them: see mpx ls --help.

A keeper, a process of mpx's own, waits for it. When the command ends by itself,
what it has left in the background lives on. When the keeper is killed with -9, the
command is, too, and how it ended is not known: join says so, with 125.`

const processExamples = `  mpx process start db ./database --port 5432
  mpx process start -- ./worker 1          # prints its name: Process-1
  mpx process join Process-1 || echo "it ended with $?"
  mpx process terminate db; mpx process join db; mpx process log db; mpx process rm db`

const (
	processNone = "  2     wrong usage, or there is no process of that name\n  125   mpx itself failed: I/O"
	processLost = ", or the keeper was killed: the\n        status is not known"
)

func (a *app) processCommand() *cobra.Command {
	group := &cobra.Command{Use: "process", Short: "Background commands with a name", Long: processLong, Example: processExamples}
	return a.objectGroup(group, statusDone+"  1     is-alive: it is not; rm: it runs\n  124   the --timeout ran out\n"+processNone+"\n  126   start: COMMAND cannot be run\n  127   start: COMMAND is not found\n\n  join has the status of the process.",
		objectVerb{use: "start", make: a.processStart}, a.processJoin(), a.processIsAlive(), a.processExitcode(), a.processPid(),
		processOrder("terminate", "Send SIGTERM to", server.Terminate), processOrder("kill", "Kill", server.Kill),
		a.processLog(), processRemove(),
		objectVerb{use: "wait", make: a.processWait}, objectVerb{use: "ls", make: a.processList})
}

// onProcess opens the process for do.
func onProcess(do func(*shm.Process) error) func(*shm.Dir, string, []string) error {
	return func(d *shm.Dir, name string, _ []string) error {
		p, err := d.OpenProcess(name)
		if err == nil {
			defer p.Close()
			err = do(p)
		}
		return processError(name, err)
	}
}

// processError says of a process what objectError would not know.
func processError(name string, err error) error {
	switch {
	case errors.Is(err, shm.ErrNotExist):
		return usagef("mpx process ls lists them; mpx process start "+name+" COMMAND starts it", "there is no process %s", name)
	case errors.Is(err, shm.ErrRunning):
		return &failedError{err.Error(), runningHint(name)}
	}
	return err
}

// runningHint says how to remove what runs.
func runningHint(name string) string {
	return fmt.Sprintf("mpx process kill %s; mpx process join %s; then again", name, name)
}

func (a *app) processJoin() objectVerb {
	w := &waitFlags{}
	return objectVerb{
		use: "join [--timeout D] NAME", short: "Wait until it has ended, and end as it did", waits: w,
		long: `Wait until it has ended, and end with its status, as wait does in a shell: 128+N if
it was ended by signal N. Any process may wait, more than one, and again. ^C ends
the waiting, and not the process.

Its own 124 or 125 looks like mpx's: mpx process exitcode tells.`,
		examples: "  mpx process join build && ./deploy\n  mpx process join build --timeout 10m || mpx process log build",
		status:   "  N     its exit status; 128+N if it was ended by signal N\n  124   the --timeout ran out\n  2     wrong usage, or there is no process of that name\n  125   mpx itself failed: I/O" + processLost,
		run: func(d *shm.Dir, name string, words []string) error {
			wait, err := w.wait()
			if err != nil {
				return err
			}
			return onProcess(func(p *shm.Process) error {
				i, err := server.Join(p, wait)
				if err != nil {
					return err
				}
				return joined(&i)
			})(d, name, words)
		},
	}
}

// joined ends as the process did, but never by a signal.
func joined(i *shm.ProcessInfo) error {
	code, _ := i.Exitcode()
	if code < 0 {
		code = 128 - code
	}
	return &outcome{status: code}
}

func (a *app) processIsAlive() objectVerb {
	return objectVerb{
		use: "is-alive NAME", short: "Tell whether it runs, by the exit status",
		examples: "  mpx process is-alive db || mpx process log db\n  while mpx process is-alive build; do ./spin; done",
		status:   "  0     it runs\n  1     it has ended\n" + processNone,
		run: onProcess(func(p *shm.Process) error {
			i, err := p.Look()
			if err == nil && !i.Alive {
				return &outcome{status: exitFailed}
			}
			return err
		}),
	}
}

func (a *app) processExitcode() objectVerb {
	return objectVerb{
		use: "exitcode NAME", short: "Print how it ended: its status, -N after signal N",
		long:     "Print its exit status, -N if it was ended by signal N, and nothing while it runs.",
		examples: "  mpx process exitcode build\n  test \"$(mpx process exitcode db)\" = -15 && echo terminated",
		status:   "  0     it was printed, or it runs\n  2     wrong usage, or there is no process of that name\n  125   mpx itself failed: I/O" + processLost,
		run: onProcess(func(p *shm.Process) error {
			i, err := p.Look()
			if err != nil {
				return err
			}
			code, ok := i.Exitcode()
			switch {
			case ok:
				_, err = fmt.Fprintln(a.stdout, code)
			case !i.Alive:
				err = server.Lost(&i)
			}
			return err
		}),
	}
}

func (a *app) processPid() objectVerb {
	return objectVerb{
		use: "pid NAME", short: "Print the pid of its command",
		long:     "Print the pid of its command, which leads a session and process group of its own.\nOnce it has ended, the number may be another's.",
		examples: "  kill -HUP \"$(mpx process pid db)\"\n  ls -l \"/proc/$(mpx process pid db)/fd\"",
		status:   "  0     it was printed\n" + processNone,
		run: onProcess(func(p *shm.Process) error {
			i, err := p.Look()
			if err == nil && i.PID == 0 {
				return errors.New("its command does not run yet")
			}
			if err == nil {
				_, err = fmt.Fprintln(a.stdout, strconv.Itoa(i.PID))
			}
			return err
		}),
	}
}

// processOrder is terminate or kill.
func processOrder(verb, short string, do func(*shm.Process) error) objectVerb {
	long := "Kill the command and all that it has started, those that have a session of their\nown, too. It does not wait for the end; join does. One that has ended is no error."
	if verb == "terminate" {
		long = "Send SIGTERM to the command and to all that it has started (Python's does so to the\ncommand only). It does not wait for the end; join does. What does not end by it goes\non: mpx process kill. One that has ended is no error."
	}
	return objectVerb{
		use: verb + " NAME", short: short + " it, and all that it has started", long: long,
		examples: fmt.Sprintf("  mpx process %s db; mpx process join db\n  trap 'mpx process %s db' EXIT", verb, verb),
		status:   "  0     it was told, or has ended already\n" + processNone,
		run:      onProcess(do),
	}
}

func processRemove() objectVerb {
	return objectVerb{
		use: "rm NAME", short: "Remove the record and the log of one that has ended",
		examples: "  mpx process rm build\n  mpx process kill db; mpx process join db; mpx process rm db",
		status:   statusDone + "  1     it runs\n" + processNone,
		run:      onProcess(func(p *shm.Process) error { return p.Remove() }),
	}
}

func (a *app) processLog() objectVerb {
	var follow bool
	return objectVerb{
		use: "log [-f] NAME", short: "Print what it has written to stdout and stderr",
		examples: "  mpx process log db | tail -20\n  mpx process log -f build",
		status:   "  0     it was printed\n" + processNone,
		flags: func(f *pflag.FlagSet) {
			f.BoolVarP(&follow, "follow", "f", false, "and what it writes from now on, until it has ended")
		},
		run: onProcess(func(p *shm.Process) error {
			err := server.CopyLog(a.stdout, p, follow)
			if isBrokenPipe(err) {
				return &outcome{signal: sigPipe}
			}
			return err
		}),
	}
}
