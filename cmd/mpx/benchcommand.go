package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// A commandBench runs the user's command on the user's tasks in several ways.
type commandBench struct {
	a       *app
	words   []string // COMMAND
	names   []string // of columns
	columns int
	tasks   []task.Task
}

// open opens the input, and finds what is wrong with COMMAND.
func (b *commandBench) open(o *mapOptions, input task.SourceSpec) (*task.Source, error) {
	src, spec, _, err := o.openTasks(input, b.words)
	if err != nil {
		return nil, err
	}
	b.names, b.columns = spec.Names, src.Columns()
	return src, nil
}

// read takes in all tasks, as each run needs them.
func (b *commandBench) read(src *task.Source) error {
	for {
		tasks, err := src.Next()
		b.tasks = append(b.tasks, tasks...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(b.tasks) == 0 {
		return usagef("seq 100 | mpx bench COMMAND, or ::: VALUES", "there are no tasks")
	}
	return nil
}

// contest returns the ways: one after another, once for each kind of worker,
// and after it the pools of that kind.
func (b *commandBench) contest(pools []*mapOptions) (*contest, error) {
	c := &contest{what: b.line(), tasks: len(b.tasks)}
	names := names(pools)
	var base *way
	for i, o := range pools {
		spec := o.spec(b.words, b.names, b.columns)
		tmpl, err := task.Compile(spec)
		if err != nil {
			return nil, err
		}
		if base == nil || base.kind != o.worker {
			base = &way{name: "sequential", line: b.line(), kind: o.worker, params: map[string]string{"worker": o.worker}}
			if pools[0].worker != pools[len(pools)-1].worker {
				base.name += ", " + o.worker
				base.line += " # " + base.name
			}
			base.do = b.sequential(o, tmpl)
			c.ways = append(c.ways, base)
		}
		c.ways = append(c.ways, &way{
			name: names[i], line: b.poolLine(o), kind: o.worker, workers: o.jobsN, base: base, params: params(o),
			do: func() (failures, error) { return b.throughPool(o, spec) },
		})
	}
	return c, nil
}

func params(o *mapOptions) map[string]string {
	return map[string]string{"worker": o.worker, "jobs": fmt.Sprint(o.jobsN), "chunksize": o.chunk()}
}

// line returns COMMAND as it would be typed.
func (b *commandBench) line() string {
	words := make([]string, len(b.words))
	for i, w := range b.words {
		words[i] = task.Quote(w)
	}
	if len(words) == 0 {
		return "a command line a task"
	}
	return strings.Join(words, " ")
}

// poolLine returns the map that o is.
func (b *commandBench) poolLine(o *mapOptions) string {
	line := fmt.Sprint("mpx map -j ", o.jobsN)
	if o.chunkN > 0 {
		line += " --chunksize " + o.chunk()
	}
	if o.worker != "exec" {
		line += " --worker " + o.worker
	}
	if len(b.words) > 0 {
		line += " " + b.line()
	}
	return line
}

// A taskList is the source of tasks that are all there. The pool may write to
// what it is given.
type taskList []task.Task

func (l *taskList) Next() ([]task.Task, error) {
	if len(*l) == 0 {
		return nil, io.EOF
	}
	n := min(512, len(*l))
	some := slices.Clone((*l)[:n])
	*l = (*l)[n:]
	return some, nil
}

// throughPool is what mpx map does, from the first worker's start to the end of
// the last.
func (b *commandBench) throughPool(o *mapOptions, spec task.Spec) (f failures, err error) {
	cfg := o.poolConfig(spec)
	cfg.Forget = true
	p, err := pool.New(cfg)
	if err != nil {
		return f, err
	}
	signals := catch(p, o.killAfterDur, endingWhatRuns, func(note, _ string) { b.a.benchScreen().say(note) }, nil)
	defer signals.release()
	tasks := taskList(b.tasks)
	if o.worker == "filter" && o.spans() {
		tasks = task.Spans(tasks, spanBytes, cfg.Delim)
	}
	it, err := p.ImapUnordered(&tasks)
	p.Close()
	for err == nil {
		var r task.Result
		if r, err = it.Next(); err == nil {
			f.add(&r)
			r.Release()
		}
	}
	if err == io.EOF || errors.Is(err, pool.ErrClosed) || errors.Is(err, pool.ErrTerminated) { // the last two: by a signal
		err = nil
	}
	if jerr := p.Join(); err == nil {
		err = jerr
	}
	if sig := signals.received(); sig != 0 {
		return f, &outcome{signal: sig}
	}
	return f, err
}

// add counts r if it failed.
func (f *failures) add(r *task.Result) {
	if r.Status == task.OK {
		return
	}
	f.n += r.N()
	if f.note == "" {
		f.note = r.Note
	}
}
