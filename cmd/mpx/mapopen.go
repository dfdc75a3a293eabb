package main

import (
	"errors"
	"slices"
	"strings"

	"mpx/internal/pool"
	"mpx/internal/report"
	"mpx/internal/task"
)

// open makes what a run needs.
func (r *mapRun) open() error {
	r.store = task.NewStore(r.o.tmpDir)
	ro, err := r.reportOptions()
	if err != nil {
		return err
	}
	if err := r.openWatchers(); err != nil {
		return err
	}
	r.report, r.teller = report.New(ro), newTeller()
	r.warn()
	cfg, err := r.poolConfig()
	if err != nil {
		return err
	}
	if r.o.pool != "" {
		r.pool, err = r.openClients(cfg)
		return err
	}
	p, err := pool.New(cfg)
	r.pool = ownPool{p}
	return err
}

// warn says what is probably not meant.
func (r *mapRun) warn() {
	if h := initializerHint(r.o.initializer); h != "" && r.o.worker == "exec" {
		r.report.Notice("what the initializer sets does not reach tasks: each is a process of its own", h)
	}
}

func (r *mapRun) reportOptions() (report.Options, error) {
	ro := report.Options{
		Stdout: r.a.stdout, Stderr: r.a.stderr, Store: r.store,
		OneScreen: isTerminal(r.a.stdout) && isTerminal(r.a.stderr),
		Screen:    isTerminal(r.a.stderr),
		Mode:      r.o.mode(), Order: r.o.order(),
		Command: r.tmpl.DisplayWords, Display: r.tmpl.Display,
		Replies: r.o.worker == "filter" || r.o.pool != "",
	}
	var err error
	if ro.Tag, err = r.tag(); err != nil {
		return ro, err
	}
	if r.o.results != "" {
		if ro.Results, err = r.openResults(); err != nil {
			return ro, err
		}
	}
	return ro, r.openRecords(&ro) // last: they make and empty files
}

// tag returns what --tag and --tagstring put before lines.
func (r *mapRun) tag() (func(*task.Task, int) []byte, error) {
	text := r.o.tagString
	if text == "" {
		if !r.o.tag {
			return nil, nil
		}
		text = "{}"
		if r.o.replace != "" {
			text = r.o.replace
		}
	}
	t, err := task.CompileText(text, r.spec)
	if err != nil {
		return nil, err
	}
	return t.Render, nil
}

// openResults opens the directory of --results. With placeholders, what stands
// before the first one's component is the directory.
func (r *mapRun) openResults() (*report.Results, error) {
	dir := r.o.results
	if i := strings.LastIndexByte(dir, '.'); i >= 0 && slices.Contains([]string{"json", "csv", "tsv"}, dir[i+1:]) {
		return nil, usagef("an object a task on stdout: --json", "--results %s would be a directory", dir)
	}
	i := strings.IndexByte(dir, '{')
	if i < 0 {
		return openResultsDir(dir, r.o.resumes(), nil)
	}
	cut := strings.LastIndexByte(dir[:i], '/')
	text, err := task.CompileText(dir[cut+1:], r.spec)
	if err != nil {
		return nil, err
	}
	base := "."
	if cut >= 0 {
		base = dir[:max(cut, 1)]
	}
	return openResultsDir(base, r.o.resumes(), text.Render)
}

func openResultsDir(dir string, resume bool, path func(*task.Task, int) []byte) (*report.Results, error) {
	rs, err := report.OpenResults(dir, resume, path)
	if errors.Is(err, report.ErrNotEmpty) {
		return nil, usagef("name a new directory, or remove this one first", "--results: %v", err)
	}
	return rs, err
}

func (r *mapRun) poolConfig() (pool.Config, error) {
	cfg := r.o.poolConfig(r.spec)
	cfg.Jobserver, cfg.Store, cfg.Notice = r.jobserver, r.store, r.notice
	// What is shown of a task that went well needs its data only here:
	cfg.Forget = !r.o.showsRecords()
	if r.o.worker == "filter" {
		cfg.Said = r.report.Said
		cfg.Verdict = r.verdicts.add
	}
	if r.o.verbose {
		cfg.Starting = func(t *task.Task, slot int) {
			line := r.tmpl.Display(t, slot)
			r.teller.later(func() { r.report.Line(line) })
		}
	}
	if len(r.watchers) > 0 {
		cfg.Watch, cfg.Throttle = r.watch, r.throttle
	}
	if r.o.lineBuffer {
		cfg.Live = r.report.Live
	}
	var err error
	if r.joblog != nil && r.o.pool == "" {
		cfg.Keep, err = handDown(r.joblog.File())
	}
	if err == nil && (r.o.ungroup || r.o.tty) {
		if cfg.Stdout, err = handDown(r.a.stdout); err == nil {
			cfg.Stderr, err = handDown(r.a.stderr)
		}
	}
	if r.o.tty && err == nil {
		cfg.Terminal = true
		cfg.Stdin, err = handDown(r.a.stdin)
	}
	return cfg, err
}

// poolConfig is what the flags say of the pool; spec is of its tasks.
func (o *mapOptions) poolConfig(spec task.Spec) pool.Config {
	cfg := pool.Config{
		Function: o.worker, Args: spec, Jobs: o.jobsN, ChunkSize: o.chunkN,
		MaxTasksPerChild: o.maxTasks, MaxWorkerMemory: o.maxMemoryN, MaxWorkerAge: o.maxAgeDur,
		Warms: o.worker != "exec", Timeout: o.timeoutDur, Grace: o.killAfterDur,
		KillLeft: o.leftovers == "kill", RetryLost: o.retryLost, OKStatus: o.okN,
		Retries: o.retries, RetryDelay: o.retryDelayDur, RetryOn: o.retryIf, Halt: o.haltAt,
		TimeoutPercent: o.timeoutPercent, Delay: o.delayDur,
		Load: o.loadN, MemoryFree: o.memFreeN, Nice: o.nice, LimitMemory: o.limitMemoryN,
	}
	if o.worker == "filter" {
		o.configureFilter(&cfg, spec)
	}
	if o.initializer != "" {
		cfg.Initializer = append(o.shellWords("sh"), "-c", o.initializer)
	}
	return cfg
}

// initializerHint returns what to do about an initializer that sets what no
// task will see.
func initializerHint(line string) string {
	for _, part := range strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(";&|\n", c) }) {
		f := strings.Fields(part)
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "cd", "export", ".", "source", "alias", "set", "ulimit", "umask", "declare", "typeset":
			return "do it before mpx map, in the shell that calls it: " + f[0] + " …"
		}
		if strings.HasSuffix(f[0], "()") || f[0] == "function" {
			return "put the function's commands into COMMAND, or into a script"
		}
	}
	return ""
}
