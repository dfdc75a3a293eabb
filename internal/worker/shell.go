package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// A shellRunner runs each task in a forked subshell of one shell that stays: it
// has run the initializer, and what that has set up is there for each task. A
// line through a pipe asks for a task, whose text is in a memfd unless it is
// plain; its exit status comes back through another.
//
// The task's process is the shell's child, not this worker's. Its group is found
// when it must be signalled, and what outlives it comes to this worker, the
// subreaper.
type shellRunner struct {
	s       *session
	tmpl    *task.Template
	env     []string
	null    int
	text    int // memfd
	buf     bytes.Buffer
	length  int // of what stands in text
	orders  int // memfd; a byte in it is the order to the task that it end before it begins
	ordered bool
	pipes   pipes
	group   *proc.MemoryGroup // which tasks enter; nil: none
	sh      resident
	line    string // the initializer
	plain   plainTask
	asked   []byte // the last request for a plain task
	cur     *shellTask
	fault   error // the shell is gone: the worker must be, too
}

const (
	// pipesDelay is how long a task's pipes are left alone: most tasks are over
	// by then, and are read once. A pipe holds 64 KiB meanwhile.
	pipesDelay = 2 * time.Millisecond
	// stopLook is between two looks whether a task has stopped itself: zsh does
	// not say so.
	stopLook = time.Second
	// maxPad is the most bytes that are written over an old text's end.
	maxPad = 512
)

var newline = []byte{'\n'}

// A shellTask is the task that runs.
type shellTask struct {
	job   *job
	stdin int // memfd; 0: none
	clocks
	pipesAt time.Time // when its output is first looked at, unless it ends before
	lookAt  time.Time // when it is looked whether it has stopped itself
	stopped bool      // it has
	killing time.Time // since when it is killed, and its shell has not said that it has ended
	status  string    // what the shell said; "": it runs
	end     ipc.End
	ended   time.Time
}

func newShell(s *session) (runner, error) {
	var spec task.Spec
	if err := json.Unmarshal(s.cfg.Args, &spec); err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	tmpl, err := task.Compile(spec)
	if err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	r := &shellRunner{s: s, tmpl: tmpl, env: taskEnv(&s.cfg)}
	r.env = r.env[:len(r.env)-2] // MPX_SEQ and MPX_ATTEMPT are in the text
	if n := len(s.cfg.Initializer); n > 0 {
		r.line = string(s.cfg.Initializer[n-1])
	}
	if r.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open /dev/null: %w", err)
	}
	if r.text, err = unix.MemfdCreate("mpx-task", unix.MFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make the task's text: %w", err)
	}
	if r.orders, err = unix.MemfdCreate("mpx-orders", unix.MFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make the task's orders: %w", err)
	}
	if dir := string(s.cfg.MemoryGroup); dir != "" {
		if r.group, err = proc.OpenMemoryGroup(dir, s.cfg.LimitMemory); err != nil {
			return nil, err
		}
	}
	// Only dash and busybox bring a task to the foreground of its terminal. In
	// bash, which leaves them ignored, these make a read an error, not a stop.
	signal.Ignore(unix.SIGTTIN, unix.SIGTTOU)
	r.pipes.inherit[0], r.pipes.inherit[1] = s.cfg.Stdout, s.cfg.Stderr
	return r, r.pipes.open()
}

func (r *shellRunner) busy() bool { return r.cur != nil }

func (r *shellRunner) wait(fds []unix.PollFd, d time.Duration) (int, error) { return proc.Poll(fds, d) }

// start begins j: at once if the shell is warm, else when it is. Task 0 is the
// initializer: it ends when the shell is warm.
func (r *shellRunner) start(j *job) {
	now := time.Now()
	r.s.begin(&j.Task, now)
	r.cur = &shellTask{job: j, clocks: clocks{start: now, clock: now}}
	if r.sh.pid == 0 {
		if err := r.launchShell(r.line); err != nil {
			r.cannotLaunch(err)
			return
		}
	}
	r.s.board.Group.Store(uint64(r.sh.pid)) // its session holds all of the task
	if r.sh.warm {
		r.send()
	} else {
		r.retime()
	}
}

// warm launches the shell of a worker that has no task yet, as that of a worker
// that is to take another's place; with an initializer that does so.
func (r *shellRunner) warm() { _ = r.launchShell(r.line) }

// residents are the shell and what its initializer has left.
func (r *shellRunner) residents() []int { return r.sh.stay }

// cannotLaunch ends what there is no shell for.
func (r *shellRunner) cannotLaunch(err error) {
	j := r.cur.job
	r.cur = nil
	if proc.OutOfResources(err) {
		r.s.noStart(&j.Task, err)
		return
	}
	r.s.done(refusal(j, 127, err.Error(), "name a shell that is installed: --shell"))
	r.s.leaving = r.s.leaving || j.Seq == 0
}

// send hands the current task to the shell.
func (r *shellRunner) send() {
	c := r.cur
	r.s.began(&c.job.Task, time.Now())
	script, args, err := r.tmpl.Script(&c.job.Task, r.s.cfg.Slot)
	if err != nil {
		r.cur = nil
		r.s.done(refusal(c.job, 126, err.Error(), hintOf(err)))
		return
	}
	request, err := r.request(script, args)
	if err == nil {
		err = r.order(false)
	}
	if err != nil {
		r.cur = nil
		r.s.noStart(&c.job.Task, err)
		return
	}
	now := time.Now()
	c.start, c.clock = now, now
	c.pipesAt, c.lookAt = now.Add(pipesDelay), now.Add(stopLook)
	r.retime()
	if _, err := proc.Write(r.sh.requests, request); err != nil {
		r.fault = fmt.Errorf("its shell takes no requests: %w", err)
	}
}

// request returns the line that asks the shell to run the current task, whose
// text stands in it or where the shell looks for it.
func (r *shellRunner) request(script string, args []string) ([]byte, error) {
	j := r.cur.job
	if r.plain.fits(script, args) && !j.FromStdin && r.group == nil && r.s.cfg.LimitMemory == 0 {
		r.asked = r.plain.appendRequest(r.asked[:0], &j.Task, args)
		return r.asked, nil
	}
	return textRequest, r.write(script, args)
}

var textRequest = []byte("t\n")

// write puts the current task's text where the shell reads it.
func (r *shellRunner) write(script string, args []string) (err error) {
	c := r.cur
	if c.job.FromStdin {
		if c.stdin, err = fileOf(c.job.Stdin); err != nil {
			return err
		}
		c.job.Stdin = nil
	}
	r.buf.Reset()
	t := shellText{seq: c.job.Seq, attempt: c.job.Attempt, stdin: c.stdin, limit: r.s.cfg.LimitMemory, script: script, args: args}
	if r.group != nil {
		if err := r.group.Begin(); err != nil {
			return err
		}
		t.group = r.group.Dir
	}
	t.appendTo(&r.buf)
	if pad := r.length - r.buf.Len(); pad > maxPad {
		if err := unix.Ftruncate(r.text, 0); err != nil {
			return err
		}
	} else if pad > 0 { // over the end of the last one: cheaper than to cut it off
		r.buf.Write(bytes.Repeat(newline, pad))
	}
	r.length = r.buf.Len()
	for off, b := int64(0), r.buf.Bytes(); len(b) > 0; {
		n, err := unix.Pwrite(r.text, b, off)
		if err != nil {
			return err
		}
		b, off = b[n:], off+int64(n)
	}
	return nil
}

// finish commits the task's end.
func (r *shellRunner) finish() {
	c := r.cur
	r.cur = nil
	if c.stdin > 0 {
		proc.Close(c.stdin)
	}
	exit, _ := strconv.Atoi(c.status)
	d := ipc.Done{
		Seq: c.job.Seq, Attempt: c.job.Attempt, End: c.end, Exit: int32(exit),
		Timed: true, Start: c.start.UnixNano(), Elapsed: int64(c.ended.Sub(c.start)),
	}
	// A shell says 128+N after signal N. That a command left with such a status
	// by itself cannot be told apart, and is rare.
	if exit > 128 && exit < 128+65 {
		d.Exit, d.Signal = 0, int32(exit-128)
	}
	if c.stopped {
		d.Exit, d.Signal = 0, int32(syscall.SIGSTOP)
	}
	if c.end != ipc.Ended && c.status == "" { // it has been killed with its shell
		d.Exit, d.Signal = 0, int32(syscall.SIGKILL)
	}
	if r.group != nil && d.Seq != 0 && d.End == ipc.Ended {
		killed, over := r.group.Killed()
		noteMemory(&d, killed, over, r.s.cfg.LimitMemory)
	}
	r.s.done(&d)
}
