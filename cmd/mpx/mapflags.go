package main

import (
	"time"

	"mpx/internal/pool"
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
	maxMemory   string
	maxAge      string
	initializer string
	worker      string
	pool        string // the name of one that is there; "": none
	protocol    string
	inflight    string

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

	retries    int
	retryDelay string
	retryOn    string
	halt       string
	delay      string

	load, memFree, limitMemory string
	nice                       int
	jobserver                  bool

	joblog               string
	resume, resumeFailed bool
	junit, trace, page   string
	events               string
	progress             string

	// What check makes of the above.
	args                     int // 0: max
	blockN                   int64
	jobsN, chunkN            int
	inflightN                int // 0: auto
	okN                      []int
	timeoutDur, killAfterDur time.Duration
	retryDelayDur, delayDur  time.Duration
	timeoutPercent           float64 // of the median run time
	retryIf                  func(*task.Result) bool
	haltAt                   pool.Halt
	jobsGiven                bool // by -j or -P
	okGiven                  bool // by --ok-status
	loadN                    float64
	memFreeN, limitMemoryN   int64
	maxMemoryN               int64 // of a worker
	maxAgeDur                time.Duration
}

func (o *mapOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.addInputFlags(f)
	o.addPoolFlags(f)
	o.addOutputFlags(f)
	o.addFailureFlags(f)
	o.addMannersFlags(f)
	o.addRecordFlags(f)
}

func (o *mapOptions) addRecordFlags(f *pflag.FlagSet) {
	f.StringVar(&o.joblog, "joblog", "", "log each finished task to `FILE`, in GNU parallel's format; +FILE appends")
	f.BoolVar(&o.resume, "resume", false, "skip the tasks that the joblog says succeeded")
	f.BoolVar(&o.resumeFailed, "resume-failed", false, "the same: those that failed run again")
	f.StringVar(&o.progress, "progress", "", "how far it is, on stderr: `auto|always|plain|never`; else MPX_PROGRESS says, else auto")
	f.StringVar(&o.events, "events", "", "write what happens as it happens to `FILE`, as JSON lines; fd:N is a descriptor")
	f.StringVar(&o.page, "report", "", "write a page about the run to `FILE`, as HTML")
	f.StringVar(&o.trace, "trace", "", "write a timeline for Perfetto (Chrome trace events) to `FILE`")
	f.StringVar(&o.junit, "junit", "", "write what became of each task to `FILE`, as JUnit XML")
}

func (o *mapOptions) addFailureFlags(f *pflag.FlagSet) {
	f.StringVar(&o.okStatus, "ok-status", "0", "comma-separated exit `statuses` that count as success")
	f.StringVar(&o.timeout, "timeout", "", "end a task, with all its processes, after `DUR` (1.5s, 2m, or seconds), or 200% of the median run time")
	f.StringVar(&o.killAfter, "kill-after", "1s", "time from TERM to KILL for what mpx ends (`DUR`)")
	f.StringVar(&o.leftovers, "leftovers", "keep", "what a finished task left running in the background: `keep|kill`")
	f.IntVar(&o.retries, "retries", 0, "run a task that failed again, up to `N` times")
	f.StringVar(&o.retryDelay, "retry-delay", "", "wait `DUR` before a retry, doubled for each further one, +/- 25 %")
	f.StringVar(&o.retryOn, "retry-on", "", "retry only after these exit `statuses` (1,75), or signal, timeout")
	f.IntVar(&o.retryLost, "retry-lost", 2, "run a task whose worker died again, up to `N` times")
	f.StringVar(&o.halt, "halt", "never", "end early: `WHEN,WHAT=N[%]` of soon or now, and fail, success or done: soon,fail=1, now,success=10%; never")
}

func (o *mapOptions) addMannersFlags(f *pflag.FlagSet) {
	f.StringVar(&o.delay, "delay", "", "let `DUR` pass between the starts of two tasks")
	f.StringVar(&o.load, "load", "", "start none while `MAX` threads run on the machine; N, or N% of the processors")
	f.StringVar(&o.memFree, "memfree", "", "start none while less than `SIZE` of memory is free (500M, 2G)")
	f.IntVar(&o.nice, "nice", 0, "run tasks with their nice value raised by `N`")
	f.StringVar(&o.limitMemory, "limit-memory", "", "end a task over `SIZE` of memory, all its processes together; without a cgroup: each, of address space")
	f.BoolVar(&o.jobserver, "jobserver", false, "take part in make's jobserver; so it is under make -jN, unless -j is given")
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
	f.IntVar(&o.maxTasks, "maxtasksperchild", 0, "retire a worker after `N` tasks, from 100 on up to a tenth earlier; 0: never")
	f.StringVar(&o.maxMemory, "max-worker-memory", "", "retire a worker that keeps more than `SIZE` in memory from task to task (200M)")
	f.StringVar(&o.maxAge, "max-worker-age", "", "retire a worker `DUR` after its start, when its task has ended")
	f.StringVar(&o.initializer, "initializer", "", "run `CMD`, a shell line, once in each worker before its first task")
	f.StringVar(&o.worker, "worker", "exec", "a task is a process of its own, a subshell of a shell that stays, or a record for a command that stays: `exec|shell|filter`")
	f.StringVar(&o.protocol, "protocol", "lines", "what a filter reads and answers, for each record: `lines|json`")
	f.StringVar(&o.inflight, "inflight", "auto", "give a filter up to `N` records before it has answered, more only if it holds back its replies; auto: by how long they take")
	f.StringVar(&o.shell, "shell", "", "run every shell line by `SHELL` (flags allowed: 'bash -eo pipefail')")
	f.BoolVar(&o.noShell, "no-shell", false, "never use a shell")
}

// addPoolFlag adds the flag of who has no pool of its own.
func (o *mapOptions) addPoolFlag(f *pflag.FlagSet) {
	f.StringVar(&o.pool, "pool", "", "have the tasks run by the pool `NAME`, which mpx pool start has started, by its COMMAND")
}

func (o *mapOptions) addOutputFlags(f *pflag.FlagSet) {
	f.BoolVarP(&o.keepOrder, "keep-order", "k", false, "print in the order of the input (the default)")
	f.BoolVar(&o.unordered, "unordered", false, "print tasks as they end")
	f.BoolVar(&o.tag, "tag", false, "put the record and a TAB before each line")
	f.StringVar(&o.tagString, "tagstring", "", "put `TEXT`, with placeholders, and a TAB before each line")
	f.BoolVar(&o.lineBuffer, "line-buffer", false, "print whole lines as they come, however long; with -k the oldest task live")
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
