package main

import (
	"mpx/internal/task"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const benchLong = `Run the same tasks one after another and through pools, in turn, several times,
and say what a pool gains.

COMMAND and its records are those of mpx map: lines of stdin, of -a FILE, or
words after :::. What tasks print is collected and dropped. -j, --chunksize and
--worker take lists, and each combination is a pool of its own: -j 1,2,4
--chunksize 1,auto makes six. A round runs all of them and the tasks one after
another, each time in another order, so that what else the machine does meets
all alike.

Sequential is what a loop of the shell does, one task after another: the same
command, started anew for each; with --worker shell, a new shell for each, which
runs the initializer first. With --worker filter it is COMMAND alone, with all
records on its standard input.

The table has medians of whole runs, from the start of the pool to the end of
its last worker; half of the runs are within ± of them. The speed-up's interval
holds the true one 95 times in 100; ~ stands where that may be none at all.
Efficiency is the speed-up for each worker, overhead what the pool adds to a
task. From both comes how long a task must be for a pool to pay.

--json FILE has the keys of hyperfine --export-json, and more; --svg FILE draws
the speed-up over the workers. - is stdout, and the table goes to stderr.

Without COMMAND it runs the example by which pools are introduced: doubling 100
integers, by a plain loop and by Pool.map, and the pool loses.`

const benchExamples = `  mpx bench                                   # doubling 100 integers
  seq 200 | mpx bench -j 1,2,4 sh -c 'sleep 0.01'
  ls *.png | mpx bench --runs 10 --svg speedup.svg 'pngcheck {} >/dev/null'
  mpx bench --worker exec,shell --chunksize 1,auto -a urls --json out.json ./check
  mpx bench --worker shell --initializer '. ./lib.sh' 'resize {} 50' ::: *.png`

const benchStatus = `  0     the tasks were run and timed
  1     a task failed, so that the times mean little
  2     wrong usage
  125   mpx itself failed
  128+N mpx ended what it had started and died by signal N`

// benchOptions are bench's flags. Those that it shares with map are as written,
// and -j, --chunksize and --worker are lists.
type benchOptions struct {
	mapOptions
	runs, warmUp  int
	export        exports
	commandsFlags []string // given, and of no meaning without a COMMAND
}

func (a *app) benchCommand() *cobra.Command {
	o := &benchOptions{}
	cmd := &cobra.Command{
		Use:     "bench [flags] [COMMAND [ARG]...] [::: VALUE...]... < tasks",
		Short:   "What a pool gains over one task after another",
		Long:    benchLong,
		Example: benchExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"worker", "initializer", "shell", "maxtasksperchild"} {
				if cmd.Flags().Changed(name) {
					o.commandsFlags = append(o.commandsFlags, "--"+name)
				}
			}
			return a.runBench(o, args)
		},
	}
	cmd.Flags().SetInterspersed(false)
	o.addFlags(cmd.Flags())
	cmd.AddCommand(a.channelCommand())
	return helped(cmd, benchStatus)
}

func (o *benchOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&o.jobs, "jobs", "j", "100%", "workers: a `LIST` of N, N%, +N, -N of the processors (1,2,4)")
	f.StringVar(&o.chunkSize, "chunksize", "auto", "records handed to a worker at a time: a `LIST` (1,20,auto)")
	f.StringVar(&o.worker, "worker", "exec", "what workers are, as in mpx map: a `LIST` (exec,shell,filter)")
	f.IntVar(&o.runs, "runs", 5, "time each way `N` times")
	f.IntVar(&o.warmUp, "warmup", 1, "do all `N` times before, without timing it")
	f.IntVar(&o.maxTasks, "maxtasksperchild", 0, "retire a worker after `N` tasks; 0: never")
	f.StringVar(&o.initializer, "initializer", "", "run `CMD`, a shell line, once in each worker before its first task")
	f.StringVar(&o.shell, "shell", "", "run every shell line by `SHELL` (flags allowed: 'bash -eo pipefail')")
	f.StringVar(&o.okStatus, "ok-status", "0", "comma-separated exit `statuses` that count as success")
	o.addInputFlags(f)
	o.export.addFlags(f)
	o.killAfter, o.leftovers, o.retryLost = "1s", "keep", 2 // as map has them
}

func (a *app) runBench(o *benchOptions, args []string) error {
	if o.runs < 1 {
		return usagef("a number from 1", "--runs %d makes no sense", o.runs)
	}
	if o.warmUp < 0 {
		return usagef("a number from 0", "--warmup %d makes no sense", o.warmUp)
	}
	pools, err := o.pools()
	if err != nil {
		return err
	}
	words, groups := task.SplitArgs(args, o.argSep)
	if len(words) == 0 && len(groups) == 0 && len(o.argFiles) == 0 {
		return a.benchDouble(o, pools)
	}
	return a.benchTasks(o, pools, words, groups)
}

// benchTasks times the user's command on the user's tasks.
func (a *app) benchTasks(o *benchOptions, pools []*mapOptions, words []string, groups []task.Group) error {
	input := mostWorkers(pools).sourceSpec(a, words, groups)
	input.Span = 0 // each way makes what it needs of single records
	a.hintTerminal(&input)
	b := &commandBench{a: a, words: words}
	src, err := b.open(pools[0], input)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := o.export.open(a, inputFiles(&input)); err != nil {
		return err
	}
	if err := b.read(src); err != nil {
		return err
	}
	c, err := b.contest(pools)
	if err != nil {
		return err
	}
	return a.hold(c, o)
}

// hold runs c, tells what came of it, and turns that into an exit status.
func (a *app) hold(c *contest, o *benchOptions) error {
	if err := c.run(o.warmUp, o.runs, a.benchScreen()); err != nil {
		return err
	}
	s := c.sum(cpuCount(), o.warmUp)
	if err := o.export.write(a, s); err != nil {
		return stdoutError(err)
	}
	s.warn(a.says)
	if s.failed() {
		return &outcome{status: exitFailed}
	}
	return nil
}
