package worker

import (
	"strconv"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// intoGroup is the script that takes a task into its memory group: the process
// itself goes in before it is the task's, so that nothing of the task is ever
// outside. Why it cannot, sh says in the line before.
const intoGroup = `echo $$ >"$0/cgroup.procs" || {
	printf 'mpx: cannot enter memory group %s\n' "$0" >&2
	exit 126
}
exec "$@"`

const (
	// lookPause is between two looks for the kill that follows an alarm, and
	// lookMost is when it is given up: a group above was full.
	lookPause = 2 * time.Millisecond
	lookMost  = 200 * time.Millisecond
)

// memory is what is known of the running task's memory group.
type memory struct {
	lookAt, lookEnd time.Time // after an alarm; zero: none
	killed, over    bool      // see proc.MemoryGroup.Killed
}

// removeGroup removes the memory group in the place of a supervisor that is
// gone. What finished tasks have left in it lives on.
func (s *session) removeGroup() {
	if dir := string(s.cfg.MemoryGroup); dir != "" {
		_ = proc.RemoveMemoryGroup(dir, false)
	}
}

// grouped reports whether the running task is in the memory group: the
// initializer is not.
func (r *execRunner) grouped() bool { return r.group != nil && r.cur.job.Seq != 0 }

// memoryAlarm returns the descriptor to watch; -1 is ignored by poll.
func (r *execRunner) memoryAlarm() int {
	if !r.grouped() {
		return -1
	}
	return r.group.Alarm()
}

// memoryFull takes in the alarm. It comes just before the kernel kills a
// process, and also when a group above is full and it kills one elsewhere.
func (r *execRunner) memoryFull(now time.Time) {
	r.group.Quiet()
	r.cur.memory.lookAt, r.cur.memory.lookEnd = now, now.Add(lookMost)
}

// look ends all of a task of which the kernel has killed a process.
func (r *execRunner) look(now time.Time) {
	c := r.cur
	m := &c.memory
	m.lookAt = now.Add(lookPause)
	if c.over() || now.After(m.lookEnd) {
		m.lookAt = time.Time{}
	} else if _, over := r.group.Killed(); over {
		r.endAll()
	}
}

// weigh notes, when the task's process has ended, whether memory was why.
func (r *execRunner) weigh() {
	if m := &r.cur.memory; r.grouped() {
		m.killed, m.over = r.group.Killed()
	}
}

// charge adds to d what the memory group knows. A task that was over its limit
// has been killed, whichever of its processes the kernel has chosen and
// whatever the others made of it.
func (r *execRunner) charge(d *ipc.Done) {
	if !r.grouped() || !d.Used {
		return
	}
	if peak, ok := r.group.Peak(); ok {
		d.MaxRSS = peak
	}
	if d.End == ipc.Ended {
		noteMemory(d, r.cur.memory.killed, r.cur.memory.over, r.s.cfg.LimitMemory)
	}
}

// noteMemory says in d why the kernel has killed a process of it.
func noteMemory(d *ipc.Done, killed, over bool, limit int64) {
	switch {
	case over:
		d.Exit, d.Signal = 0, int32(unix.SIGKILL)
		d.Note = "over its --limit-memory of " + sizeText(limit)
		d.Hint = "raise the limit, or give a task less to do (-n, --block)"
	case killed:
		d.Note = "the kernel killed a process of it: the machine, or a cgroup above, was out of memory"
		d.Hint = "run fewer at a time (-j), or start none while memory is short: --memfree"
	}
}

// sizeText is n bytes as --limit-memory takes them.
func sizeText(n int64) string {
	units := "KMGT"
	text := strconv.FormatInt(n, 10)
	for i := 0; i < len(units) && n > 0 && n%1024 == 0; i++ {
		n /= 1024
		text = strconv.FormatInt(n, 10) + units[i:i+1]
	}
	return text
}
