package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"mpx/internal/server"
	"mpx/internal/task"

	"github.com/spf13/pflag"
)

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
	f.StringVar(&o.tmpDir, "tmpdir", "", "where values and output that do not fit in memory go (`DIR`)")
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
	values := task.NewStore(o.tmpDir)
	values.Spare = valuesSpare
	return &server.PoolSetup{
		Config: cfg, IdleExit: o.idleDur, ResultTTL: o.ttlDur, Display: tmpl.Display,
		Values: values,
		Check:  func(values int) *server.PoolError { return checkValues(values, len(words) == 0, filter) },
	}, nil
}

// valuesSpare is how many bytes of the disk the values of tasks that wait leave to what
// running tasks print: a new task can be refused, and a pool that cannot keep an output
// ends.
const valuesSpare = 64 << 20

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
