package worker

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

const (
	// leftoverIdle is how long the output of what a task left behind may be
	// silent before the task's output counts as whole; leftoverMost bounds it.
	leftoverIdle = 50 * time.Millisecond
	leftoverMost = time.Second
	// killLimit is how long a SIGKILL may take: only another user's process, or
	// one stuck in the kernel, lives on.
	killLimit = 5 * time.Second
)

// An execRunner runs each task as a fresh process, the leader of a session of
// its own. A task's processes are all children of this worker or below, as it
// is their subreaper and runs one task at a time.
type execRunner struct {
	s     *session
	tmpl  *task.Template
	paths paths
	env   []string // of tasks; its last two are set for each
	null  int
	group *proc.MemoryGroup // which tasks enter; nil: none
	pipes pipes
	cur   *running
	spare running // what cur points to
}

// running is the task that runs.
type running struct {
	job *job
	clocks
	ended  time.Time // when its process was reaped
	pid    int
	pidfd  int // -1 once the process has been reaped
	ws     syscall.WaitStatus
	ru     syscall.Rusage
	end    ipc.End
	memory memory
	left   []unix.PollFd // after its end: pidfds of those of it that are our children
}

func newExec(s *session) (runner, error) {
	var spec task.Spec
	if err := json.Unmarshal(s.cfg.Args, &spec); err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	tmpl, err := task.Compile(spec)
	if err != nil {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	r, err := newCommands(s, tmpl)
	if err == nil && len(s.cfg.MemoryGroup) > 0 {
		r.group, err = proc.OpenMemoryGroup(string(s.cfg.MemoryGroup), s.cfg.LimitMemory)
	}
	return r, err
}

// newCommands returns the runner of tmpl's commands and of the initializer.
func newCommands(s *session, tmpl *task.Template) (*execRunner, error) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/null: %w", err)
	}
	r := &execRunner{s: s, tmpl: tmpl, null: null, env: taskEnv(&s.cfg), paths: paths{}}
	r.pipes.inherit[0], r.pipes.inherit[1] = s.cfg.Stdout, s.cfg.Stderr
	if err := r.pipes.open(); err != nil {
		return nil, err
	}
	return r, nil
}

// taskEnv is the environment of tasks, with MPX_SEQ and MPX_ATTEMPT, which
// change from task to task, as the last two.
func taskEnv(cfg *ipc.Config) []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "MPX_SEQ", "MPX_ATTEMPT", "MPX_SLOT", "MPX_WORKER", "MPX_WORKER_PID", "MPX_JOBS":
		default:
			env = append(env, v)
		}
	}
	return append(env,
		"MPX_SLOT="+strconv.Itoa(cfg.Slot),
		"MPX_WORKER=mpx-worker-"+strconv.Itoa(cfg.Worker),
		"MPX_WORKER_PID="+strconv.Itoa(os.Getpid()),
		"MPX_JOBS="+strconv.Itoa(cfg.Jobs),
		"", "")
}

// TaskEnv is the environment of tasks that this process runs itself, one after
// another. Its last two, MPX_SEQ and MPX_ATTEMPT, are the caller's to set.
func TaskEnv() []string { return taskEnv(&ipc.Config{Slot: 1, Worker: 1, Jobs: 1}) }

func (r *execRunner) busy() bool { return r.cur != nil }

func (r *execRunner) wait(fds []unix.PollFd, d time.Duration) (int, error) { return proc.Poll(fds, d) }

// start begins j. What keeps it from running ends it here and now.
func (r *execRunner) start(j *job) {
	now := time.Now()
	r.s.begin(&j.Task, now)
	argv, refused := r.argv(j)
	if refused != nil {
		r.s.began(&j.Task, now)
		r.s.done(refused)
		return
	}
	pid, pidfd, err := r.launch(j, argv)
	if err != nil {
		if proc.OutOfResources(err) {
			r.s.noStart(&j.Task, err)
			return
		}
		r.s.began(&j.Task, now)
		r.refuse(j, cannotRun(argv[0], err))
		return
	}
	r.s.began(&j.Task, now)
	r.s.board.Group.Store(uint64(pid))
	r.spare = running{job: j, clocks: clocks{start: now, clock: now}, pid: pid, pidfd: pidfd, left: r.spare.left[:0]}
	r.cur = &r.spare
	r.retime()
}

// retime sets when the running task's time is over, if it still runs and has
// not been told to end.
func (r *execRunner) retime() {
	c := r.cur
	if c == nil || c.job.Seq == 0 || c.pidfd < 0 || !c.killAt.IsZero() {
		return
	}
	c.setLimit(time.Duration(r.s.cfg.Timeout))
}

// argv returns the words to execute for j, or the end of a task that has none.
func (r *execRunner) argv(j *job) ([]string, *ipc.Done) {
	if j.Seq == 0 {
		return words(r.s.cfg.Initializer), nil
	}
	argv, err := r.tmpl.Argv(&j.Task, r.s.cfg.Slot)
	if err == nil {
		return argv, nil
	}
	return nil, refusal(j, 126, err.Error(), hintOf(err))
}

func words(b [][]byte) (s []string) {
	for _, w := range b {
		s = append(s, string(w))
	}
	return s
}

func (r *execRunner) refuse(j *job, c cannot) {
	r.s.done(refusal(j, c.exit, c.note, c.hint))
	if j.Seq == 0 {
		r.s.leaving = true
	}
}

func refusal(j *job, exit int, note, hint string) *ipc.Done {
	return &ipc.Done{Seq: j.Seq, Attempt: j.Attempt, Exit: int32(exit), Note: note, Hint: hint}
}

// launch starts the process of j.
func (r *execRunner) launch(j *job, argv []string) (pid, pidfd int, err error) {
	stdin := r.null
	switch {
	case j.FromStdin:
		if stdin, err = fileOf(j.Stdin); err != nil {
			return 0, -1, err
		}
		j.Stdin = nil
		defer proc.Close(stdin)
	case r.s.cfg.Stdin > 0:
		stdin = r.s.cfg.Stdin
	}
	n := len(r.env)
	r.env[n-2] = "MPX_SEQ=" + strconv.FormatUint(j.Seq, 10)
	r.env[n-1] = "MPX_ATTEMPT=" + strconv.FormatUint(uint64(j.Attempt), 10)
	spec := proc.Spec{
		Argv: argv, Env: r.env,
		Files:   [3]int{stdin, r.pipes.stdoutFD(j), r.pipes.stderrFD()},
		Session: !r.s.cfg.Terminal, DieWithThread: true,
	}
	if r.s.cfg.LimitMemory > 0 && j.Seq != 0 {
		return r.executeLimited(&spec)
	}
	return r.paths.execute(&spec)
}

// fileOf returns a descriptor for the standard input b of a task.
func fileOf(b []byte) (int, error) { return proc.MemFile("mpx-stdin", b) }
