package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"mpx/internal/pool"
	"mpx/internal/proc"
	"mpx/internal/report"
	"mpx/internal/server"
	"mpx/internal/task"

	"github.com/spf13/cobra"
)

func (a *app) mapCommand() *cobra.Command {
	o := &mapOptions{}
	cmd := &cobra.Command{
		Use:     "map [flags] [COMMAND [ARG]...] [::: VALUE...]... [:::: FILE...]...",
		Short:   "Run a command for each record, in a pool of workers",
		Long:    mapLong,
		Example: mapExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.jobsGiven = cmd.Flags().Changed("jobs") || cmd.Flags().Changed("max-procs")
			o.okGiven = cmd.Flags().Changed("ok-status")
			if err := o.checkNamedPool(cmd.Flags()); err != nil {
				return err
			}
			return a.runMap(o, args)
		},
	}
	cmd.Flags().SetInterspersed(false)
	o.addFlags(cmd.Flags())
	o.addPoolFlag(cmd.Flags())
	return helped(cmd, mapStatus)
}

// A mapRun is one run of map, made from its flags.
type mapRun struct {
	a         *app
	o         *mapOptions
	words     []string             // COMMAND
	clients   []*server.PoolClient // of the pool of --pool
	inputSpec task.SourceSpec
	stdinAt   int64 // where stdin stood at first; negative: it is no file
	source    *task.Source
	progress  report.ProgressMode
	tmpl      *task.Template
	spec      task.Spec
	store     *task.Store
	jobserver string           // of make; "": none
	joblog    *report.Joblog   // nil: none
	ended     atomic.Bool      // the run is over
	watchers  []report.Watcher // events, trace
	report    *report.Report
	teller    *teller
	pool      runner
	verdicts  verdicts
	signals   *interrupter
}

func (a *app) runMap(o *mapOptions, args []string) error {
	r := &mapRun{a: a, o: o}
	// It is never what ends mpx, though there may be nothing to tell yet.
	proc.Notify(make(chan os.Signal, 1), syscall.SIGUSR1)
	if err := r.prepare(args); err != nil {
		return err
	}
	defer r.source.Close()
	if o.dryRun {
		return r.printCommands()
	}
	return r.run()
}

// prepare finds every mistake of the command line before anything runs.
func (r *mapRun) prepare(args []string) error {
	if err := r.o.check(); err != nil {
		return err
	}
	if err := r.findJobserver(); err != nil {
		return err
	}
	var err error
	if r.progress, err = r.o.progressMode(r.a.stderr); err != nil {
		return err
	}
	words, groups := task.SplitArgs(args, r.o.argSep)
	if r.o.pool != "" {
		if words, err = r.findPool(words); err != nil {
			return err
		}
	}
	r.words = words
	if r.o.header && len(words) > 0 && words[0] == ":" {
		return usagef("leave out the colon: mpx map --header COMMAND", "--header takes no value, and : is a command that does nothing")
	}
	src := r.o.sourceSpec(r.a, words, groups)
	r.a.hintTerminal(&src)
	r.inputSpec = src
	r.stdinAt = -1
	if at, err := r.a.stdin.Seek(0, io.SeekCurrent); err == nil {
		r.stdinAt = at
	}
	r.source, r.spec, r.tmpl, err = r.o.openTasks(src, words)
	return err
}

// hintTerminal tells a user who typed no input what is waited for.
func (a *app) hintTerminal(src *task.SourceSpec) {
	reads := len(src.Groups) == 0 && len(src.Files) == 0
	if reads && isTerminal(a.stdin) {
		fmt.Fprintln(a.says, "mpx: reading records from the terminal: one a line, ^D ends them")
	}
}

// printCommands is --dry-run.
func (r *mapRun) printCommands() (err error) {
	ro := report.Options{Stdout: r.a.stdout, Stderr: r.a.stderr, Mode: report.Quiet}
	if onGitHub() {
		if ro.GitHub, err = report.NewGitHub(report.GitHubOptions{}); err != nil {
			return err
		}
	}
	out := report.New(ro)
	err = r.printAll(out)
	if _, cerr := out.Close(); err == nil {
		err = cerr
	}
	return r.writeFailed(err)
}

// printAll prints the command of each task, on a terminal a line each.
func (r *mapRun) printAll(out *report.Report) error {
	show := func(command string) string { return command }
	if isTerminal(r.a.stdout) {
		show = report.Screen
	}
	for {
		tasks, err := r.source.Next()
		var b strings.Builder
		for i := range tasks {
			b.WriteString(show(r.tmpl.Display(&tasks[i], 1)) + "\n")
		}
		if werr := out.Print(b.String()); werr != nil {
			return werr
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// run starts the pool and takes its results to the report until the last.
func (r *mapRun) run() error {
	if err := r.open(); err != nil {
		return err
	}
	defer r.store.Close()
	r.startProgress()
	doing := endingWhatRuns
	if r.o.pool != "" {
		doing = "taking back what the pool has not begun"
	}
	r.signals = catch(r.pool, r.o.killAfterDur, doing, r.notice, r.report)
	watchReader(r.a.stdout, r.signals)
	stream, err := r.pool.Stream(r.input())
	r.pool.Close()
	if err == nil {
		err = r.take(stream)
	}
	if errors.Is(err, pool.ErrClosed) { // a signal came first
		err = nil
	}
	jerr := r.pool.Join()
	if c, ok := r.pool.(*poolClients); ok && jerr != nil {
		r.askDoubt(c)
		jerr = r.pool.Join()
	}
	if err == nil {
		err = jerr
	}
	return r.conclude(err)
}

// take prints results as they come. Its error is why it could not.
func (r *mapRun) take(stream results) error {
	var failed error
	for {
		// What is known of replies before it is taken in here has been delivered.
		known := r.verdicts.take()
		batch, err := stream.Next()
		if err != nil {
			r.verdicts.giveBack(known)
			if err == io.EOF || failed != nil || errors.Is(err, pool.ErrTerminated) {
				return failed
			}
			return err
		}
		r.throttle()
		n, err := r.report.Add(batch)
		stream.Release(n)
		if jerr := r.judge(known); err == nil {
			err = jerr
		}
		if err != nil && failed == nil {
			failed = err
			r.signals.stop()
		}
	}
}

// notice tells the user what the pool has to say.
func (r *mapRun) notice(note, hint string) {
	r.teller.later(func() { r.report.Notice(note, hint) })
}

// conclude says how the run went and turns it into an exit status.
func (r *mapRun) conclude(err error) error {
	r.ended.Store(true)
	r.signals.received() // so that what it has said is the teller's
	r.teller.wait()
	if jerr := r.judge(r.verdicts.take()); jerr != nil {
		r.report.Notice(jerr.Error(), "")
		if err == nil {
			err = jerr
		}
	}
	if err != nil {
		r.report.Broken(err)
	}
	sum, cerr := r.report.Close()
	for _, e := range []error{cerr, r.closeWatchers(&sum)} {
		if err == nil {
			err = e
		}
	}
	r.signals.release()
	sig := r.signals.received()
	if broken := r.writeFailed(err); broken != nil {
		return broken
	}
	if sig == sigPipe { // found by watchReader, and no more worth a word than above
		return &outcome{signal: sig}
	}
	text := sum.String()
	if text != "" && r.report.MidLine() {
		text = "\n" + text
	}
	fmt.Fprint(r.a.says, text)
	if h := task.ShellHint(r.words); h != "" && len(r.words) > 1 && sum.Failed() > 0 {
		fmt.Fprintln(r.a.says, "mpx: hint:", h)
	}
	if sig != 0 {
		return &outcome{signal: sig}
	}
	if sum.Done() || r.o.haltAt.On == pool.HaltSuccess && r.pool.Halted() {
		return nil
	}
	if r.o.haltAt.On == pool.HaltDone && r.pool.Halted() && sum.Failed() == 0 {
		return nil
	}
	return &outcome{status: exitFailed}
}

// writeFailed is err as an outcome: a stdout that nobody reads any more ends
// mpx as it ends any command.
func (r *mapRun) writeFailed(err error) error {
	if isBrokenPipe(err) {
		return &outcome{signal: sigPipe}
	}
	return err
}
