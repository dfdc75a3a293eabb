package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"mpx/internal/pool"
	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// benchCommandLine times the user's command on the user's tasks.
func (a *app) benchCommandLine(o *benchOptions, words []string, groups []task.Group) error {
	b := &commandBench{a: a, o: o}
	if err := b.read(words, groups); err != nil {
		return err
	}
	if len(b.tasks) == 0 {
		return usagef("seq 100 | mpx bench COMMAND, or ::: VALUES", "there are no tasks")
	}
	c := &contest{what: strings.Join(words, " "), tasks: len(b.tasks), jobs: o.jobsN, sequential: b.oneAfterAnother, pool: b.throughPool}
	t, err := c.run(o.runs)
	if err == nil {
		err = c.tell(a.stdout, o.runs, t)
	}
	if err == nil && b.failed > 0 {
		fmt.Fprintf(a.stderr, "mpx: %s failed: the times may mean little\n", counted(b.failed, "task"))
		return &outcome{status: exitFailed}
	}
	return err
}

// A commandBench runs commands in both ways. What they print is dropped.
type commandBench struct {
	a      *app
	o      *benchOptions
	spec   task.Spec
	tmpl   *task.Template
	tasks  []task.Task
	failed int // of the last run
}

// read takes in all tasks, as each run needs them.
func (b *commandBench) read(words []string, groups []task.Group) error {
	src, err := task.OpenSource(b.o.sourceSpec(b.a, words, groups))
	if err != nil {
		return err
	}
	defer src.Close()
	b.spec = b.o.spec(words, nil, src.Columns())
	if b.tmpl, err = task.Compile(b.spec); err != nil {
		return err
	}
	for {
		tasks, err := src.Next()
		b.tasks = append(b.tasks, tasks...)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// oneAfterAnother is what a loop would do, without a pool.
func (b *commandBench) oneAfterAnother() error {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	b.failed = 0
	for i := range b.tasks {
		argv, err := b.tmpl.Argv(&b.tasks[i], 1)
		if err != nil {
			return err
		}
		path, err := proc.LookPath(argv[0])
		if err != nil {
			return fmt.Errorf("%s: %w", argv[0], err)
		}
		pid, pidfd, err := proc.Start(&proc.Spec{Path: path, Argv: argv, Env: syscall.Environ(), Files: [3]int{null, null, null}})
		if err != nil {
			return fmt.Errorf("%s: %w", argv[0], err)
		}
		unix.Close(pidfd)
		var ws syscall.WaitStatus
		for {
			if _, err = syscall.Wait4(pid, &ws, 0, nil); !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		if err != nil || ws != 0 {
			b.failed++
		}
	}
	return nil
}

// throughPool is what mpx map does, from the first worker's start to the end of
// the last.
func (b *commandBench) throughPool() error {
	p, err := pool.New(pool.Config{
		Function: "exec", Args: b.spec, Jobs: b.o.jobsN, ChunkSize: b.o.chunkN,
		Grace: b.o.killAfterDur, RetryLost: 2, OKStatus: b.o.okN,
	})
	if err != nil {
		return err
	}
	signals := catch(p, b.o.killAfterDur, func(note, _ string) { fmt.Fprintln(b.a.stderr, "mpx:", note) }, nil)
	defer signals.release()
	vs := make([]task.Values, len(b.tasks))
	for i := range vs {
		vs[i] = b.tasks[i].Values
	}
	results, err := p.Map(vs)
	p.Close()
	if jerr := p.Join(); err == nil {
		err = jerr
	}
	if sig := signals.received(); sig != 0 {
		return &outcome{signal: sig}
	}
	b.failed = 0
	for i := range results {
		if results[i].Status != task.OK {
			b.failed++
		}
		results[i].Release()
	}
	return err
}
