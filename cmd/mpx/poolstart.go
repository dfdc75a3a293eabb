package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mpx/internal/server"
	"mpx/internal/shm"
	"mpx/internal/task"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
a file without a name in --tmpdir, and dropped --result-ttl after the task's end.

A pool that --halt ends takes no more tasks. What waits is not run, and who has applied
or submitted it is told.

What the supervisor has to say goes to a log, which mpx pool status --json names.`

const poolStartExamples = `  mpx pool start thumbs -j4 convert {1} -resize {2} {1.}-small.png
  mpx pool start sums --worker filter bc -l; mpx pool apply sums 6*7
  mpx pool start py --initializer './warm-cache' --idle-exit 10m ./task.py
  mpx pool start ci --die-with-parent=$$      # a value is a command line`

// poolOptions are the flags of pool start: map's, as far as they are about the pool,
// and its own.
type poolOptions struct {
	mapOptions
	parent              parentFlag
	idleExit, resultTTL string
	idleDur, ttlDur     time.Duration
}

func (o *poolOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.SetInterspersed(false)
	o.addPoolFlags(f)
	f.BoolVarP(&o.null, "null", "0", false, "records of a filter end with a NUL byte, both ways")
	f.StringVarP(&o.replace, "replace", "I", "", "`STR` is the placeholder, and braces are text")
	f.StringVar(&o.tmpDir, "tmpdir", "", "where output that does not fit in memory goes (`DIR`)")
	o.addFailureFlags(f)
	o.addMannersFlags(f)
	f.Lookup("jobserver").Hidden = true // refused with a remedy
	f.StringVar(&o.resultTTL, "result-ttl", "1h", "drop the result of a submitted task that nobody gets `DUR` after its end; 0: never")
	f.StringVar(&o.idleExit, "idle-exit", "", "end the pool when for `DUR` it has had no client, no task and no result")
	f.Var(&o.parent, "die-with-parent", "terminate it when the process that ran this one ends, or the process PID")
	f.Lookup("die-with-parent").NoOptDefVal = theParent
}

func (o *poolOptions) check() (err error) {
	o.argSep, o.maxArgs, o.args = ":::", "1", 1
	if o.jobserver {
		return usagef("-j N", "--jobserver is for what make waits for, and a pool goes on")
	}
	for _, f := range []func() error{o.checkPool, o.checkFailure, o.checkManners} {
		if err := f(); err != nil {
			return err
		}
	}
	if o.haltAt.Percent > 0 {
		return usagef("a number of them, as soon,fail=3", "--halt %s: nobody knows how many tasks a pool will have", o.halt)
	}
	for _, d := range []struct {
		flag, text string
		into       *time.Duration
	}{{"--idle-exit", o.idleExit, &o.idleDur}, {"--result-ttl", o.resultTTL, &o.ttlDur}} {
		if d.text == "" {
			continue
		}
		if *d.into, err = parseDuration(d.text); err != nil || *d.into < 0 {
			return usagef("90s, 15m, 2h, 1d, or a number of seconds", "%s %s makes no sense", d.flag, d.text)
		}
	}
	return nil
}

// setup is what the pool runs.
func (o *poolOptions) setup(words []string, stderr io.Writer) (*server.PoolSetup, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	filter := o.worker == "filter"
	spec := o.spec(words, nil, 0)
	spec.MultiValue = len(words) > 0 && !filter
	tmpl, err := task.Compile(spec)
	if err != nil {
		return nil, err
	}
	cfg := o.poolConfig(spec)
	if o.chunkSize == "auto" && !filter { // no client's task waits behind another's while a worker is idle
		cfg.ChunkSize = 1
	}
	log := &poolLog{w: stderr, left: poolLogMost}
	cfg.Forget, cfg.Store = true, task.NewStore(o.tmpDir)
	cfg.Notice = log.notice
	if filter {
		cfg.Said = func(_ int, text []byte) { log.write(text) }
	}
	return &server.PoolSetup{
		Config: cfg, IdleExit: o.idleDur, ResultTTL: o.ttlDur, Display: tmpl.Display,
		Check: func(values [][]byte) *server.PoolError { return checkValues(len(values), len(words) == 0, filter) },
	}, nil
}

// checkValues refuses what makes no task.
func checkValues(n int, lines, filter bool) *server.PoolError {
	switch {
	case n == 0:
		return &server.PoolError{Kind: server.KindUsage, Text: "a task has a value at least"}
	case n > 1 && lines:
		return &server.PoolError{Kind: server.KindUsage, Text: fmt.Sprintf("a value is a command line in this pool, and there are %d", n), Hint: "quote it as one word: 'echo a b'"}
	case n > 1 && filter:
		return &server.PoolError{Kind: server.KindUsage, Text: fmt.Sprintf("a task of a filter is one record, and there are %d values", n), Hint: "one word, or a task each"}
	}
	return nil
}

// poolLogMost bounds a pool's log, in bytes: it is in memory, and a pool may go on for
// long.
const poolLogMost = 1 << 20

// A poolLog is what a pool's supervisor has to say.
type poolLog struct {
	mu   sync.Mutex
	w    io.Writer
	left int
}

func (l *poolLog) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left <= 0 {
		return
	}
	l.left -= len(p)
	_, _ = l.w.Write(p) // an error: there is nobody to tell
	if l.left <= 0 {
		fmt.Fprintln(l.w, "mpx: the log is full: what follows is not in it")
	}
}

func (l *poolLog) notice(message, hint string) {
	text := "mpx: " + message + "\n"
	if hint != "" {
		text += "mpx: hint: " + hint + "\n"
	}
	l.write([]byte(text))
}

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
		fmt.Fprintf(a.stderr, "mpx: what the initializer sets does not reach tasks: each is a process of its own\nmpx: hint: %s\n", h)
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

// poolWords are the flags and the command as the supervisor reads them.
func poolWords(f *pflag.FlagSet, command []string) (words []string) {
	f.Visit(func(f *pflag.Flag) {
		if f.Name != "die-with-parent" { // the supervisor has a descriptor of it
			words = append(words, "--"+f.Name+"="+f.Value.String())
		}
	})
	return append(append(words, "--"), command...)
}

// supervisePool is the life of a pool's supervisor.
func supervisePool(args []string, stderr io.Writer) int {
	return server.Supervise(args, func(words []string) (*server.PoolSetup, error) {
		o := &poolOptions{}
		f := pflag.NewFlagSet("pool", pflag.ContinueOnError)
		o.addFlags(f)
		if err := f.Parse(words); err != nil {
			return nil, err
		}
		return o.setup(f.Args(), stderr)
	})
}
