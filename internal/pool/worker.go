package pool

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/shm"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// A worker is the supervisor's handle of a worker process. One goroutine, live,
// owns the process for its whole life: it starts it, reads its results, reaps
// it, ends what it leaves and tells the scheduler. A second one, write, owns the
// request pipe.
type worker struct {
	p      *Pool
	number int // among all workers ever started, from 1
	slot   int

	// The scheduler's alone:
	outstanding int    // tasks handed to it that it has not answered
	given       int    // tasks handed to it that it has run, or is to run
	born        bool   // its process has been started; known with Config.Watch
	replied     bool   // it has given a result
	useful      bool   // it has answered one of them, or its initializer has worked
	retiring    bool   // it gets no more
	reason      string // for retiring
	freed       bool   // its slot is its successor's
	recalled    bool   // it has been asked to give tasks back
	pausing     bool   // it has been asked to pause
	starves     bool   // its filter has read all that it has, and does not answer
	stuck       bool   // its initializer hangs: it gets no tasks
	dismissed   bool   // it has been told to end that
	right       right
	token       uint32    // the number of the TOKEN that it is to take
	since       time.Time // when it got it
	told        attempt   // the last whose beginning has been told
	stay

	// live's alone:
	pid     int
	mark    proc.Mark // of all that it starts
	board   *shm.Board
	group   string // the directory of its memory group; "": it has none
	results *os.File
	in      *ipc.Decoder
	got     uint64 // bytes of the result stream received
	bye     bool
	fault   string
	why     string      // it leaves by itself
	doubted bool        // its filter has answered too much or too little
	short   bool        // there was no room for its initializer
	left    bool        // its last task has left processes
	stdout  task.Output // of the task that runs
	stderr  task.Output
	says    said // its filter, to stderr
	said    said // by its initializer

	mu       sync.Mutex // guards the following
	requests *os.File
	inflight []item    // handed out and not answered, in order
	outbox   []message // to be written
	more     sync.Cond
	gone     bool // reaped: its pid is nobody's
	started  bool // pid is set
}

// An attempt is one of a task.
type attempt struct {
	seq uint64
	n   uint32
}

// A message is one thing for a worker; its zero fields say nothing.
type message struct {
	items         []item
	recall        int
	stop          syscall.Signal
	grace         time.Duration
	pause, resume bool
	proceed       bool
	limit         time.Duration
	token         uint32
	drop          bool
	retire        bool
}

func (w *worker) name() string { return "mpx-worker-" + strconv.Itoa(w.number) }

// start adds a worker.
func (s *scheduler) start() *worker { return s.hire(s.slots.take()) }

// hire starts a worker that has, or is to have, slot.
func (s *scheduler) hire(slot int) *worker {
	s.started++
	w := &worker{p: s.p, number: s.started, slot: slot, stay: s.p.cfg.draw()}
	w.more.L = &w.mu
	s.workers = append(s.workers, w)
	if s.limits > 0 {
		w.outbox = append(w.outbox, message{limit: s.limits})
	}
	if len(s.p.cfg.Initializer) > 0 {
		s.wake(time.Now().Add(InitPatience))
	}
	go w.live()
	return w
}

// takes reports whether w may be given tasks.
func (w *worker) takes() bool { return !w.retiring && !w.stuck && !w.recalled && w.elder == nil }

// hand gives w tasks to run.
func (w *worker) hand(items []item) {
	w.mu.Lock()
	w.inflight = append(w.inflight, items...)
	w.outbox = append(w.outbox, message{items: items})
	w.mu.Unlock()
	w.more.Signal()
}

func (w *worker) post(m message) {
	w.mu.Lock()
	w.outbox = append(w.outbox, m)
	w.mu.Unlock()
	w.more.Signal()
}

// kill ends the process itself, if it still is one.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started && !w.gone {
		_ = syscall.Kill(w.pid, syscall.SIGKILL)
	}
}

// live is a worker's life.
func (w *worker) live() {
	err := w.launch()
	if err != nil {
		w.p.send(died{w: w, back: w.takeInflight(), how: err})
		return
	}
	if w.p.cfg.Watch != nil {
		w.p.send(reported{w: w, born: true})
	}
	go w.write()
	w.read()
	w.p.send(w.end())
}

// launching is held by the one launch that goes on: where descriptors are few,
// all together would each take some, and none get enough.
var launching sync.Mutex

// launch starts the process.
func (w *worker) launch() error {
	launching.Lock()
	defer launching.Unlock()
	var requests, results [2]int
	if err := unix.Pipe2(requests[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("make a worker's pipe: %w", err)
	}
	defer unix.Close(requests[0])
	if err := unix.Pipe2(results[:], unix.O_CLOEXEC); err != nil {
		unix.Close(requests[1])
		return fmt.Errorf("make a worker's pipe: %w", err)
	}
	defer unix.Close(results[1])
	w.makeGroup()
	if err := w.spawn(requests[0], results[1]); err != nil {
		w.removeGroup(true)
		unix.Close(requests[1])
		unix.Close(results[0])
		return err
	}
	w.results, w.in = polled(results[0], "results"), ipc.NewDecoder(64<<10)
	w.mu.Lock()
	w.requests = polled(requests[1], "requests")
	w.mu.Unlock()
	return nil
}

// polled is fd as a file whose readers and writers wait in the runtime's poller.
// The worker's ends never go there, as those of os.Pipe would.
func polled(fd int, name string) *os.File {
	_ = unix.SetNonblock(fd, true) // of a pipe just made
	return os.NewFile(uintptr(fd), name)
}

// spawn starts the process with its pipes as stdin and stdout, and its board.
func (w *worker) spawn(requests, results int) error {
	board, file, err := shm.CreateBoard()
	if err != nil {
		return err
	}
	defer file.Close()
	w.board, w.mark = board, proc.NewMark()
	start := func() (int, error) {
		// Above all that a shell or make may have handed down: what mpx inherits,
		// its tasks inherit at the same number.
		fd, err := proc.HandDown(file.Fd())
		if err != nil {
			return 0, fmt.Errorf("hand on a worker's board: %w", err)
		}
		defer proc.TakeBack(fd)
		pid, pidfd, err := proc.Start(&proc.Spec{
			Path: "/proc/self/exe", Argv: []string{os.Args[0], ipc.WorkerArg, strconv.Itoa(fd)}, Env: w.mark.In(os.Environ()),
			Files:   [3]int{requests, results, 2},
			Session: !w.p.cfg.Terminal,
		})
		if err != nil {
			return 0, fmt.Errorf("start a worker: %w", err)
		}
		unix.Close(pidfd)
		return pid, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pid, err = w.p.kin.start(start); err != nil {
		board.Close()
		return err
	}
	w.started = true
	return nil
}

// config is what this worker is told.
func (w *worker) config() []byte {
	c := &w.p.cfg
	fail, ok := c.holds()
	b, err := json.Marshal(ipc.Config{
		Function: c.Function, Args: w.p.args, Worker: w.number, Slot: w.slot, Jobs: c.Jobs, Delim: c.Delim,
		Initializer: byteWords(c.Initializer), Timeout: int64(c.Timeout), Grace: int64(c.Grace), KillLeft: c.KillLeft,
		Stdin: number(c.Stdin), Stdout: number(c.Stdout), Stderr: number(c.Stderr), Keep: number(c.Keep), Terminal: c.Terminal,
		Starts: c.Watch != nil, OKStatus: c.OKStatus, HoldFailed: fail, HoldOK: ok,
		Nice: c.Nice, LimitMemory: c.LimitMemory, MemoryGroup: []byte(w.group), Jobserver: c.Jobserver,
		MaxMemory: w.memory,
	})
	if err != nil {
		panic("bug: encode configuration: " + err.Error())
	}
	return b
}

func byteWords(words []string) (b [][]byte) {
	for _, w := range words {
		b = append(b, []byte(w))
	}
	return b
}

func number(f *os.File) int {
	if f == nil {
		return 0
	}
	return int(f.Fd())
}
