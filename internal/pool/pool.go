// Package pool is the supervisor's side of a pool of worker processes: which
// worker runs what, how workers live and die. It is one core, a stream of tasks
// in and a stream of results out, with the methods of Python's
// multiprocessing.Pool as a thin face over it.
//
// Nothing is shared between workers: each has its own pipes and its own board,
// and one goroutine, the scheduler, knows who has what.
package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/task"
)

// Errors of a pool's methods.
var (
	// ErrClosed is the error of work handed to a pool after Close or Terminate
	// (Python: ValueError "Pool not running").
	ErrClosed = errors.New("pool not running")
	// ErrRunning is Join's error before Close or Terminate (Python: ValueError
	// "Pool is still running").
	ErrRunning = errors.New("pool is still running")
	// ErrTerminated is the error of results that Terminate has cut off.
	ErrTerminated = errors.New("pool terminated")
)

// Config says what a pool runs and how.
type Config struct {
	Function string // by which workers know it
	Args     any    // the function's configuration, encoded as JSON

	Jobs             int           // workers at a time, at least 1; 0: one a task
	ChunkSize        int           // tasks handed to a worker at a time; 0: by their run time
	MaxTasksPerChild int           // tasks after which a worker is retired, from 100 on up to a tenth fewer; 0: never
	MaxWorkerMemory  int64         // resident bytes over which a worker is retired, or up to a tenth fewer; 0: never
	MaxWorkerAge     time.Duration // after which a worker is retired, or up to a tenth earlier; 0: never
	Warms            bool          // workers need time before a first task, also without an initializer
	Initializer      []string      // argument vector run once in each worker; nil: none
	Timeout          time.Duration // a task's time limit; 0: none
	TimeoutPercent   float64       // instead: of the median run time of tasks that went well; 0: none
	Delay            time.Duration // between the starts of two tasks
	Load             float64       // start none while so many threads of the machine run; 0: whatever runs
	MemoryFree       int64         // start none while fewer bytes are free
	Nice             int           // added to the nice value of workers and their tasks
	LimitMemory      int64         // bytes that a task may have, where it can have a cgroup; else of address space each of its processes; 0: no limit
	Jobserver        string        // of make, as proc.FindJobserver returns it; "": none
	Grace            time.Duration // from TERM to KILL
	KillLeft         bool          // end what a finished task left running
	RetryLost        int           // how often a task whose worker died runs again
	Retries          int           // how often a task that failed runs again
	RetryDelay       time.Duration // before the first retry; doubled for each further one
	// RetryOn says whether a failure is worth another attempt; nil: each is.
	RetryOn  func(*task.Result) bool
	Halt     Halt  // when to end before all is done
	OKStatus []int // exit statuses that are success; nil: 0

	Stdin, Stdout, Stderr *os.File // given to tasks as they are; nil: /dev/null and pipes
	Keep                  *os.File // kept open by each worker as long as it lives, by no task; nil: none
	Terminal              bool     // tasks stay in the terminal's session

	Store *task.Store // where outputs are held; nil: the pool makes its own
	// Live, if set, is given output as it comes instead of Results: in order
	// for one task and stream, from many goroutines, before the task's result.
	Live func(t *task.Task, slot int, stderr bool, p []byte) error
	// Starting, if set, is told of each task before it is handed out, once.
	Starting func(t *task.Task, slot int)
	// Notice, if set, is told what a user should know: a message and a hint.
	Notice func(message, hint string)
	// Watch, if set, is told what happens, as it happens. It must not wait: the
	// scheduler calls it.
	Watch func(task.Event)
	// Throttle, if set, is called before a source is read, and may wait: for
	// those who were told by Watch and have not written it down.
	Throttle func()

	// Forget leaves a task's data out of its result when it went well.
	Forget bool

	Window int // most tasks read ahead and results held back; 0: 16,384
	Ahead  int // most tasks that wait in a worker; 0: 1,024

	// Of the function "filter":
	Delim    byte // ends the records of spans
	AnyOrder bool // a worker's results come in any order
	Inflight int  // most records that a filter has at a time; 0: by their time
	// Said, if set, is given what the filter of a worker writes to its stderr, as
	// it comes, from many goroutines.
	Said     func(worker int, text []byte)
	Verdict  func(worker int, trusted bool) // on replies, if set: see scheduler.judge
	Unbuffer string                         // what a user can do about a filter that holds back its replies
}

// A Pool runs tasks in worker processes. Its methods may be called from any
// goroutine.
type Pool struct {
	cfg    Config
	args   json.RawMessage
	store  *task.Store
	events chan event
	ended  chan struct{} // closed when every worker is gone after Close or Terminate
	kin    *kin
	groups *proc.MemoryGroups // where workers' groups are made; nil: nowhere

	groupless sync.Once // the user knows that one could not be made

	mu     sync.Mutex // guards the following
	closed bool
	halted bool
	failed error // why the pool gave up
}

// New starts a pool. Its workers start as they are needed. In the caller's main
// program, a process whose first argument is ipc.WorkerArg must be a worker.
func New(cfg Config) (*Pool, error) {
	if err := check(&cfg); err != nil {
		return nil, err
	}
	args, err := json.Marshal(cfg.Args)
	if err != nil {
		return nil, fmt.Errorf("encode the function's configuration: %w", err)
	}
	if err := proc.BecomeSubreaper(); err != nil {
		return nil, fmt.Errorf("become subreaper: %w", err)
	}
	p := &Pool{
		cfg: cfg, args: args, store: cfg.Store,
		events: make(chan event), ended: make(chan struct{}), kin: &family,
	}
	p.kin.meet()
	if p.store == nil {
		p.store = task.NewStore("")
	}
	p.openGroups()
	go newScheduler(p).run()
	return p, nil
}

func check(cfg *Config) error {
	switch {
	case cfg.Function == "":
		return errors.New("no function named")
	case cfg.Jobs < 0:
		return fmt.Errorf("number of workers is %d, want at least 1", cfg.Jobs)
	case cfg.ChunkSize < 0:
		return fmt.Errorf("chunksize is %d, want at least 1", cfg.ChunkSize)
	case cfg.MaxTasksPerChild < 0:
		return fmt.Errorf("maxtasksperchild is %d, want at least 1", cfg.MaxTasksPerChild)
	case cfg.MaxWorkerMemory < 0 || cfg.MaxWorkerAge < 0:
		return fmt.Errorf("a worker's limits are %d bytes and %v, want none below 0", cfg.MaxWorkerMemory, cfg.MaxWorkerAge)
	}
	cfg.bound()
	if cfg.OKStatus == nil {
		cfg.OKStatus = []int{0}
	}
	return nil
}

// Close takes no more work; what has been handed in is completed, then the
// workers are retired.
func (p *Pool) Close() {
	if p.shut() {
		p.send(closing{})
	}
}

// Terminate takes no more work, drops what is queued and ends what runs: TERM,
// and KILL after Config.Grace. Every result that was waited for comes, as
// Cancelled (Python's never do). It does not wait; Join does.
func (p *Pool) Terminate() { p.Stop(syscall.SIGTERM, p.cfg.Grace) }

// Stop is Terminate with a signal and a grace. A further Stop can only be
// harder.
func (p *Pool) Stop(sig syscall.Signal, grace time.Duration) {
	p.shut()
	e := stopping{sig, grace}
	select {
	case p.events <- e:
	default: // the caller may be the scheduler itself, which must not wait here
		go p.send(e)
	}
}

// shut marks p as closed and reports whether it was open.
func (p *Pool) shut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.closed
	p.closed = true
	return !was
}

// halt marks p as halted, which closes it.
func (p *Pool) halt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.halted = true, true
}

// Halted reports whether Config.Halt has ended p.
func (p *Pool) Halted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.halted
}

// Join waits until every worker is gone. The error is why the pool gave up, if
// it did.
func (p *Pool) Join() error {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if !closed {
		return ErrRunning
	}
	<-p.ended
	return p.Err()
}

// Ended returns a channel that is closed when every worker is gone for good.
func (p *Pool) Ended() <-chan struct{} { return p.ended }

// pauseTime is how long Pause waits for a worker that does not answer: one that
// is itself stopped, say.
const pauseTime = 2 * time.Second

// Pause stops the processes of all running tasks and their clocks, and returns
// when they have stopped; nothing more is started. Resume undoes it.
func (p *Pool) Pause() {
	done := make(chan struct{})
	p.send(pausing{done})
	t := time.NewTimer(pauseTime)
	defer t.Stop()
	select {
	case <-done:
	case <-p.ended:
	case <-t.C:
	}
}

// Resume lets paused tasks go on.
func (p *Pool) Resume() { p.send(resuming{}) }

// Err returns why p gave up; nil: it has not.
func (p *Pool) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// fail gives up: the first error stands, and everything is ended.
func (p *Pool) fail(err error) {
	p.mu.Lock()
	first := p.failed == nil
	if first {
		p.failed = err
	}
	p.mu.Unlock()
	if first {
		p.Stop(syscall.SIGKILL, 0)
	}
}

// send hands e to the scheduler and reports whether it still runs. The channel
// has no buffer: what is sent is handled.
func (p *Pool) send(e event) bool {
	select {
	case p.events <- e:
		return true
	case <-p.ended:
		return false
	}
}

func (p *Pool) notice(message, hint string) {
	if p.cfg.Notice != nil {
		p.cfg.Notice(message, hint)
	}
}
