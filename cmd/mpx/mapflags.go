package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mpx/internal/report"
	"mpx/internal/task"

	"github.com/spf13/pflag"
)

// mapOptions are map's flags: as written, and what check makes of them.
type mapOptions struct {
	argFiles        []string
	null            bool
	delim, colsep   []byte
	csv, header     bool
	maxArgs         string
	stdin           bool
	block           string
	noRunIfEmpty    bool
	argSep, replace string

	shell       string
	noShell     bool
	jobs        string
	maxProcs    string
	chunkSize   string
	maxTasks    int
	initializer string

	keepOrder, unordered bool
	tag                  bool
	tagString            string
	lineBuffer, ungroup  bool
	tty, json            bool
	results              string
	verbose, dryRun      bool
	tmpDir               string

	okStatus  string
	timeout   string
	killAfter string
	leftovers string
	retryLost int

	// What check makes of the above.
	args                     int // 0: max
	blockN                   int64
	jobsN, chunkN            int
	okN                      []int
	timeoutDur, killAfterDur time.Duration
}

func (o *mapOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.addInputFlags(f)
	o.addPoolFlags(f)
	o.addOutputFlags(f)
	f.StringVar(&o.okStatus, "ok-status", "0", "comma-separated exit `statuses` that count as success")
	f.StringVar(&o.timeout, "timeout", "", "end a task, with all its processes, after `DUR` (1.5s, 2m, or seconds)")
	f.StringVar(&o.killAfter, "kill-after", "1s", "time from TERM to KILL for what mpx ends (`DUR`)")
	f.StringVar(&o.leftovers, "leftovers", "keep", "what a finished task left running in the background: `keep|kill`")
	f.IntVar(&o.retryLost, "retry-lost", 2, "run a task whose worker died again, up to `N` times")
}

func (o *mapOptions) addInputFlags(f *pflag.FlagSet) {
	f.StringArrayVarP(&o.argFiles, "arg-file", "a", nil, "read records from `FILE`, not stdin; repeatable; - is stdin")
	f.BoolVarP(&o.null, "null", "0", false, "records end with a NUL byte")
	f.FuncP("delimiter", "d", `records end with `+"`STR`"+` (\n \t \r \0 \\ \xHH)`, delimiter(&o.delim))
	f.FuncP("colsep", "C", "split records at `STR` into {1} {2} …; ' ' is any run of blanks", delimiter(&o.colsep))
	f.BoolVar(&o.csv, "csv", false, "split records as CSV (RFC 4180)")
	f.BoolVar(&o.header, "header", false, "the first record names the columns: {name}")
	f.StringVarP(&o.maxArgs, "max-args", "n", "1", "`N` records a task; max: as many as fit; 0: records are not inserted")
	f.BoolVar(&o.stdin, "stdin", false, "give a task its records on standard input")
	f.StringVar(&o.block, "block", "", "with --stdin: about `SIZE` bytes of records a task (64K, 10M)")
	f.BoolVarP(&o.noRunIfEmpty, "no-run-if-empty", "r", false, "skip empty records")
	f.StringVarP(&o.replace, "replace", "I", "", "`STR` is the placeholder, and braces are text")
	f.StringVar(&o.argSep, "arg-sep", ":::", "`STR` instead of ::: before values")
}

func (o *mapOptions) addPoolFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.jobs, "jobs", "j", "100%", "run `N` tasks at a time; N%, +N, -N of the processors; 0: all at once")
	f.StringVarP(&o.maxProcs, "max-procs", "P", "", "the same as --jobs (`N`)")
	f.StringVar(&o.chunkSize, "chunksize", "auto", "hand `N` records to a worker at a time")
	f.IntVar(&o.maxTasks, "maxtasksperchild", 0, "retire a worker after `N` tasks; 0: never")
	f.StringVar(&o.initializer, "initializer", "", "run `CMD`, a shell line, once in each worker before its first task")
	f.StringVar(&o.shell, "shell", "", "run every shell line by `SHELL` (flags allowed: 'bash -eo pipefail')")
	f.BoolVar(&o.noShell, "no-shell", false, "never use a shell")
}

func (o *mapOptions) addOutputFlags(f *pflag.FlagSet) {
	f.BoolVarP(&o.keepOrder, "keep-order", "k", false, "print in the order of the input (the default)")
	f.BoolVar(&o.unordered, "unordered", false, "print tasks as they end")
	f.BoolVar(&o.tag, "tag", false, "put the record and a TAB before each line")
	f.StringVar(&o.tagString, "tagstring", "", "put `TEXT`, with placeholders, and a TAB before each line")
	f.BoolVar(&o.lineBuffer, "line-buffer", false, "print whole lines as they come; with -k the oldest task live")
	f.BoolVarP(&o.ungroup, "ungroup", "u", false, "tasks write straight to stdout and stderr")
	f.BoolVar(&o.tty, "tty", false, "give the terminal and stdin to the task; one at a time")
	f.BoolVar(&o.json, "json", false, "print one JSON object a task")
	f.StringVar(&o.results, "results", "", "keep each task's output, record and status below `DIR`")
	f.BoolVarP(&o.verbose, "verbose", "t", false, "print each command to stderr before it runs")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the commands and run nothing")
	f.StringVar(&o.tmpDir, "tmpdir", "", "where output that does not fit in memory goes (`DIR`)")
}

// delimiter reads the value of a flag that is a delimiter.
func delimiter(into *[]byte) func(string) error {
	return func(s string) (err error) {
		*into, err = task.ParseDelim(s)
		return err
	}
}

// check reads the flags' values.
func (o *mapOptions) check() error {
	for _, f := range []func() error{o.checkInput, o.checkPool, o.checkOutput, o.checkFailure} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (o *mapOptions) checkInput() (err error) {
	if o.null && o.delim != nil {
		return usagef("-0 is -d '\\0'", "-0 and -d exclude each other")
	}
	if o.null {
		o.delim = []byte{0}
	}
	if o.argSep == "" {
		return usagef("the default is :::", "--arg-sep wants a word")
	}
	if o.maxArgs != "max" {
		if o.args, err = strconv.Atoi(o.maxArgs); err != nil || o.args < 0 {
			return usagef("a number of records, max, or 0", "-n %s makes no sense", o.maxArgs)
		}
	}
	if o.block != "" {
		if o.blockN, err = parseSize(o.block); err != nil || o.blockN == 0 {
			return usagef("bytes, or 64K, 10M, 2G", "--block %s makes no sense", o.block)
		}
		if !o.stdin {
			return usagef("add --stdin", "--block is for records on standard input")
		}
	}
	return nil
}

func (o *mapOptions) checkPool() (err error) {
	jobs := o.jobs
	if o.maxProcs != "" {
		jobs = o.maxProcs
	}
	if o.jobsN, err = parseJobs(jobs); err != nil {
		return err
	}
	if o.tty {
		o.jobsN = 1
	}
	if o.chunkSize != "auto" {
		if o.chunkN, err = strconv.Atoi(o.chunkSize); err != nil || o.chunkN < 1 {
			return usagef("a number of records from 1, or auto", "--chunksize %s makes no sense", o.chunkSize)
		}
	}
	if o.maxTasks < 0 {
		return usagef("a number of tasks from 1; 0: never retire", "--maxtasksperchild %d makes no sense", o.maxTasks)
	}
	if o.shell != "" && o.noShell {
		return usagef("leave one out", "--shell and --no-shell exclude each other")
	}
	return nil
}

// checkOutput refuses modes that exclude each other.
func (o *mapOptions) checkOutput() error {
	var modes []string
	for _, m := range []struct {
		on   bool
		name string
	}{{o.lineBuffer, "--line-buffer"}, {o.ungroup, "--ungroup"}, {o.tty, "--tty"}, {o.json, "--json"}} {
		if m.on {
			modes = append(modes, m.name)
		}
	}
	if len(modes) > 1 {
		return usagef("choose one", "%s exclude each other", strings.Join(modes, " and "))
	}
	if o.keepOrder && o.unordered {
		return usagef("choose one", "-k and --unordered exclude each other")
	}
	if (o.ungroup || o.tty) && (o.tag || o.tagString != "" || o.results != "") {
		return usagef("leave out "+modes[0], "with %s mpx does not see what tasks write: no --tag, --tagstring, --results", modes[0])
	}
	if o.lineBuffer && o.results != "" {
		return usagef("leave out --line-buffer", "--line-buffer and --results exclude each other")
	}
	if o.tty && o.stdin {
		return usagef("leave one out", "--tty and --stdin both want the task's standard input")
	}
	return nil
}

func (o *mapOptions) checkFailure() (err error) {
	for _, s := range strings.Split(o.okStatus, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 || n > 255 {
			return usagef("numbers from 0 to 255, with commas", "--ok-status %s makes no sense", o.okStatus)
		}
		o.okN = append(o.okN, n)
	}
	if o.timeout != "" {
		if o.timeoutDur, err = parseDuration(o.timeout); err != nil || o.timeoutDur <= 0 {
			return usagef("1.5s, 2m, 1d, or a number of seconds", "--timeout %s makes no sense", o.timeout)
		}
	}
	if o.killAfterDur, err = parseDuration(o.killAfter); err != nil {
		return usagef("1.5s, 2m, or a number of seconds", "--kill-after %s makes no sense", o.killAfter)
	}
	if o.leftovers != "keep" && o.leftovers != "kill" {
		return usagef("keep or kill", "--leftovers %s makes no sense", o.leftovers)
	}
	if o.retryLost < 0 {
		return usagef("a number from 0", "--retry-lost %d makes no sense", o.retryLost)
	}
	return nil
}

func (o *mapOptions) mode() report.Mode {
	switch {
	case o.lineBuffer:
		return report.LineBuffered
	case o.ungroup, o.tty:
		return report.Ungrouped
	case o.json:
		return report.JSON
	}
	return report.Grouped
}

func (o *mapOptions) order() report.Order {
	if o.unordered || o.lineBuffer && !o.keepOrder {
		return report.Completion
	}
	return report.Input
}

// shellWords returns --shell's words, or def.
func (o *mapOptions) shellWords(def ...string) []string {
	if o.shell == "" {
		return def
	}
	return strings.Fields(o.shell)
}

// spec is what the template needs to know.
func (o *mapOptions) spec(words, names []string, columns int) task.Spec {
	s := task.Spec{
		Words: words, Replace: o.replace, Shell: o.shellWords(), NoShell: o.noShell, Names: names,
		ToStdin: o.stdin, Omit: o.maxArgs != "max" && o.args == 0, Many: o.maxArgs == "max" || o.args > 1, Columns: columns,
	}
	if len(names) > 0 && (o.csv || o.colsep != nil) {
		s.Columns = len(names)
	}
	s.MultiValue = s.Many || o.colsep != nil || o.csv || columns > 1
	return s
}

// sourceSpec is what the source needs to know.
func (o *mapOptions) sourceSpec(a *app, words []string, groups []task.Group) task.SourceSpec {
	lines := len(words) == 0
	s := task.SourceSpec{
		Stdin: a.stdin, Files: o.argFiles, Groups: groups, Delim: o.delim, Colsep: o.colsep,
		CSV: o.csv, Header: o.header, MaxArgs: o.args, NoRecord: o.maxArgs == "0", Fill: o.maxArgs == "max",
		Jobs: max(o.jobsN, 1), ToStdin: o.stdin, Block: o.blockN,
		SkipEmpty: o.noRunIfEmpty, SkipBlank: lines,
	}
	if s.NoRecord {
		s.MaxArgs = 1
	}
	s.ArgBytes = argRoom(words)
	return s
}

// argRoom is how many bytes of records -n max puts into one command: what the
// kernel has room for, beside the environment and the words, and no more than
// xargs.
func argRoom(words []string) int {
	limit := 2 << 20
	var rl syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_STACK, &rl) == nil && rl.Cur/4 < uint64(limit) {
		limit = int(rl.Cur / 4)
	}
	for _, w := range append(syscall.Environ(), words...) {
		limit -= len(w) + 9
	}
	return max(4096, min(limit-8192, 128<<10))
}

// parseJobs reads -j: N, N%, +N or -N of the processors.
func parseJobs(s string) (int, error) {
	wrong := usagef("N, N%, +N or -N of the processors, or 0 for one per task", "-j %s makes no sense", s)
	digits, percent := strings.CutSuffix(s, "%")
	relative := strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-")
	n, err := strconv.Atoi(digits)
	if err != nil || percent && (relative || n == 0) {
		return 0, wrong
	}
	switch {
	case percent:
		return max(1, int(math.Round(float64(cpuCount()*n)/100))), nil
	case relative:
		return max(1, cpuCount()+n), nil
	}
	return n, nil
}

// parseDuration reads Go's form, a number of days (2d), or of seconds.
func parseDuration(s string) (time.Duration, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	unit := time.Second
	digits, days := strings.CutSuffix(s, "d")
	if days {
		unit = 24 * time.Hour
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(f >= 0) || f*float64(unit) > math.MaxInt64 {
		return 0, fmt.Errorf("not a duration: %q", s)
	}
	return time.Duration(f * float64(unit)), nil
}

// parseSize reads bytes, or K, M, G, T of them, in powers of 1024.
func parseSize(s string) (int64, error) {
	shift := 0
	if i := strings.IndexByte("KMGT", s[len(s)-1]&^0x20); i >= 0 {
		shift, s = 10*(i+1), s[:len(s)-1]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("not a size: %q", s)
	}
	return n << shift, nil
}
