package main

import (
	"errors"
	"fmt"
	"slices"

	"mpx/internal/pool"
	"mpx/internal/server"
	"mpx/internal/shm"
	"mpx/internal/task"

	"github.com/spf13/pflag"
)

// poolMapFlags are those of map's flags that go with --pool: they say something of the
// run's input, output and records. The others are the pool's.
var poolMapFlags = []string{
	"pool", "arg-file", "null", "delimiter", "colsep", "csv", "header", "max-args", "no-run-if-empty", "arg-sep",
	"keep-order", "unordered", "tag", "tagstring", "json", "results", "verbose", "dry-run", "tmpdir",
	"ok-status", "halt", "joblog", "resume", "resume-failed", "progress", "events", "report", "trace", "junit",
}

// poolLiveFlags are those of what is seen of a task before it has ended.
var poolLiveFlags = []string{"line-buffer", "ungroup", "tty"}

// checkNamedPool refuses the flags that do not go with --pool.
func (o *mapOptions) checkNamedPool(f *pflag.FlagSet) (err error) {
	if o.pool == "" {
		return nil
	}
	f.Visit(func(f *pflag.Flag) {
		switch {
		case slices.Contains(poolLiveFlags, f.Name):
			err = usagef(fmt.Sprintf("leave out --%s, or have a pool of this run's own: mpx map --%[1]s COMMAND", f.Name),
				"--%s and --pool exclude each other: a pool tells what a task has printed when it has ended", f.Name)
		case !slices.Contains(poolMapFlags, f.Name):
			err = usagef("mpx pool start has the flags of the pool; with --pool there are those of input, output and records", "--%s and --pool exclude each other", f.Name)
		}
	})
	return err
}

// findPool connects to the pool of --pool. What it runs is known here by the command
// that would have it run: the words that it returns, and a task's values.
func (r *mapRun) findPool(words []string) ([]string, error) {
	name := r.o.pool
	if err := shm.CheckName(name); err != nil {
		return nil, usagef("mpx ls lists what there is", "--pool: %v", err)
	}
	if len(words) > 0 {
		return nil, usagef(fmt.Sprintf("mpx map --pool %s ::: VALUE…, or values on stdin", name), "--pool has the pool's own COMMAND, and %s is another", task.Quote(words[0]))
	}
	dir, err := r.a.objects()
	if err != nil {
		return nil, err
	}
	p, err := server.DialPool(dir, name)
	if err != nil {
		return nil, poolError(name, err)
	}
	r.clients = append(r.clients, p)
	st, err := p.Status()
	if err != nil {
		return nil, poolError(name, err)
	}
	if st.State == shm.PoolClosing.String() || st.State == shm.PoolEnded.String() {
		return nil, refusedBy(name, &server.PoolError{Kind: server.KindClosed, Text: server.NotRunning})
	}
	r.o.jobsN = st.Jobs
	return []string{"mpx", "pool", "apply", name}, nil
}

// openClients makes as many clients as keep the pool's workers at work: while one tells
// what came of a task, the next task is there. With --halt no task waits in the pool,
// which would begin it.
func (r *mapRun) openClients(cfg pool.Config) (*poolClients, error) {
	n := 2*cfg.Jobs + 1
	if cfg.Jobs == 0 {
		n = 64
	} else if cfg.Halt.On != pool.HaltNever {
		n = cfg.Jobs
	}
	dir, err := r.a.objects()
	if err != nil {
		return nil, err
	}
	for len(r.clients) < min(n, 256) {
		p, err := server.DialPool(dir, r.o.pool)
		if err != nil {
			return nil, poolError(r.o.pool, err)
		}
		r.clients = append(r.clients, p)
	}
	var okStatus []int
	if r.o.okGiven {
		okStatus = r.o.okN
	}
	return newPoolClients(r.clients, cfg, okStatus, r.clientError), nil
}

// clientError says of an error that ends a run what the user should know. A pool that
// is closed in the midst of it is no wrong usage of this command.
func (r *mapRun) clientError(err error) error {
	var msg string
	var e *server.PoolError
	var l *server.LostError
	switch {
	case errors.As(err, &e) && e.Kind == server.KindClosed:
		msg = r.o.pool + ": " + e.Text
	case errors.As(err, &l) && l.Planned:
		msg = r.o.pool + ": " + server.NotRunning
	case l != nil:
		msg = l.Error()
	default:
		return poolError(r.o.pool, err)
	}
	hint := fmt.Sprintf("mpx pool start %s … starts it again", r.o.pool)
	if r.joblog != nil {
		hint += ", and --resume does the rest"
	}
	return &commandError{msg: msg, hint: hint, status: exitBroken}
}
