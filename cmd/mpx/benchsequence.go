package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"mpx/internal/proc"
	"mpx/internal/task"
	"mpx/internal/worker"

	"golang.org/x/sys/unix"
)

// sequential returns how o's tasks are done one after another, without a pool,
// in the way that its kind of worker does them.
func (b *commandBench) sequential(o *mapOptions, tmpl *task.Template) func() (failures, error) {
	s := &sequence{b: b, o: o}
	switch o.worker {
	case "shell":
		s.argv = func(t *task.Task) ([]string, error) { return o.freshShell(tmpl, t) }
	case "filter":
		s.whole = s.pipe
		fallthrough
	default:
		s.argv = func(t *task.Task) ([]string, error) { return tmpl.Argv(t, 1) }
		if o.initializer != "" {
			s.first = append(o.shellWords("sh"), "-c", o.initializer)
		}
	}
	return s.run
}

// freshShell returns the command that does t by a shell of its own, which must
// run the initializer itself.
func (o *mapOptions) freshShell(tmpl *task.Template, t *task.Task) ([]string, error) {
	script, args, err := tmpl.Script(t, 1)
	if o.initializer != "" {
		script = o.initializer + "\n" + script
	}
	argv := o.shellWords("sh")
	return append(append(argv, "-c", script, argv[0]), args...), err
}

// A sequence runs commands one after another, as a loop of the shell would.
type sequence struct {
	b     *commandBench
	o     *mapOptions
	first []string // what runs before the first task; nil: nothing
	argv  func(*task.Task) ([]string, error)
	// whole, if set, does all tasks by one command; argv is not asked for each.
	whole func(l *lone, env []string) (failures, error)
}

// run does all tasks once. Like those of a pool they have MPX_SEQ and the rest
// in their environment, and a pipe for what they print: some commands do less
// when that is /dev/null.
func (s *sequence) run() (f failures, err error) {
	l, err := startLone(s.o.killAfterDur, s.b.a.benchScreen().say)
	if err != nil {
		return f, err
	}
	runtime.LockOSThread() // the kernel ends tasks with the thread that started them
	defer runtime.UnlockOSThread()
	defer l.end()
	env := worker.TaskEnv()
	env[len(env)-2], env[len(env)-1] = "MPX_SEQ=0", "MPX_ATTEMPT=1"
	if s.first != nil {
		ws, err := l.command(s.first, env, nil)
		if err == nil && ws != 0 {
			err = fmt.Errorf("initializer failed: %s", ended(ws))
		}
		if err != nil {
			return f, err
		}
	}
	if s.whole != nil {
		return s.whole(l, env)
	}
	for i := range s.b.tasks {
		t := &s.b.tasks[i]
		env[len(env)-2] = "MPX_SEQ=" + strconv.Itoa(i+1)
		ws, err := s.task(l, t, env)
		switch {
		case errors.As(err, new(*outcome)), proc.OutOfResources(err):
			return f, err
		case err != nil:
			f.add(&task.Result{Status: task.Failed, Note: err.Error()})
		case !ws.Exited() || !slices.Contains(s.o.okN, ws.ExitStatus()):
			f.add(&task.Result{Status: task.Failed, Note: ended(ws)})
		}
	}
	return f, l.interrupted()
}

// pipe is what a filter does alone: all records on its standard input.
func (s *sequence) pipe(l *lone, env []string) (f failures, err error) {
	var records []byte
	for i := range s.b.tasks {
		records = append(append(records, s.b.tasks[i].Values.At(0)...), s.o.filterDelim())
	}
	argv, err := s.argv(&task.Task{})
	if err != nil {
		return f, err
	}
	in, err := proc.MemFile("mpx-stdin", records)
	if err != nil {
		return f, err
	}
	defer unix.Close(in)
	ws, err := l.command(argv, env, &in)
	if err == nil && ws != 0 {
		f = failures{len(s.b.tasks), ended(ws)}
	}
	return f, err
}

// task runs t and waits for it.
func (s *sequence) task(l *lone, t *task.Task, env []string) (syscall.WaitStatus, error) {
	argv, err := s.argv(t)
	if err != nil {
		return 0, err
	}
	if !t.FromStdin {
		return l.command(argv, env, nil)
	}
	f, err := proc.MemFile("mpx-stdin", t.Stdin)
	if err != nil {
		return 0, err
	}
	defer unix.Close(f)
	return l.command(argv, env, &f)
}

// ended says how a process has ended.
func ended(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return unix.SignalName(ws.Signal())
	}
	return "exit " + strconv.Itoa(ws.ExitStatus())
}
