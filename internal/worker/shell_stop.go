package worker

import (
	"syscall"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// deadline is the next of the running task's clocks.
func (r *shellRunner) deadline() time.Time {
	c := r.cur
	if c == nil || !c.paused.IsZero() {
		return time.Time{}
	}
	return next(c.limit, c.killAt, c.quiet(), c.pipesAt, c.lookAt)
}

// clocks acts on the clocks that have run out.
func (r *shellRunner) clocks(now time.Time) {
	c := r.cur
	switch {
	case !c.paused.IsZero():
	case past(c.killAt, now):
		r.endAll()
	case past(c.lookAt, now):
		r.look(now)
	case past(c.quiet(), now):
		r.leaveBehind()
	case past(c.limit, now):
		c.limit = time.Time{}
		r.tell(ipc.TimedOut, unix.SIGTERM, time.Duration(r.s.cfg.Grace))
	}
}

// retime sets when the running task's time is over.
func (r *shellRunner) retime() {
	c := r.cur
	if c == nil || c.job.Seq == 0 || c.status != "" || !c.killAt.IsZero() {
		return
	}
	c.setLimit(time.Duration(r.s.cfg.Timeout))
}

// leaveBehind ends the task although something of it is left: that is the
// supervisor's, as this worker is of no more use.
func (r *shellRunner) leaveBehind() {
	left := r.sh.left()
	r.s.commit(func(b []byte) []byte { return ipc.AppendLeft(b, left[:min(len(left), 1000)]) })
	r.s.leaving = true
	r.drain()
	r.finish()
}

// stop ends the running task because the supervisor says so.
func (r *shellRunner) stop(signal int, grace time.Duration) {
	c := r.cur
	switch {
	case c == nil:
	case c.status != "":
		r.leaveBehind()
	default:
		r.tell(ipc.Stopped, syscall.Signal(signal), grace)
	}
}

// tell also orders the task not to begin: its subshell may not be there yet, or not be
// ready for signals. One that is there has not seen the order, or is signalled.
func (r *shellRunner) tell(why ipc.End, signal syscall.Signal, grace time.Duration) {
	_ = r.order(true) // an error: it is killed once it is there
	tell(r, &r.cur.clocks, &r.cur.end, why, signal, grace)
}

// order writes or takes back the order that the task end before it begins.
func (r *shellRunner) order(end bool) (err error) {
	switch {
	case r.ordered == end:
		return nil
	case end:
		_, err = unix.Pwrite(r.orders, newline, 0)
	default:
		err = unix.Ftruncate(r.orders, 0)
	}
	if err == nil {
		r.ordered = end
	}
	return err
}

// signal sends sig to every process of the task. Before its shell is warm, that
// is one of them.
func (r *shellRunner) signal(sig syscall.Signal) {
	left := r.sh.left()
	if !r.sh.warm {
		left = append([]int{r.sh.pid}, left...)
	}
	for i := 0; i < len(left); i++ {
		left = append(left, proc.Children(left[i])...)
	}
	proc.SignalAll(left, sig)
}

// pause stops the shell first: it must not see its task stop, which it would
// take for the end.
func (r *shellRunner) pause() {
	if c := r.cur; c != nil && c.paused.IsZero() {
		c.paused = time.Now()
		_ = syscall.Kill(r.shell(), unix.SIGSTOP)
		awaitStop(r.shell())
		r.signal(unix.SIGSTOP)
	}
}

// shell is the process that waits for the task: before it is warm the one that was started.
func (r *shellRunner) shell() int {
	if r.sh.warm {
		return r.sh.main
	}
	return r.sh.pid
}

// awaitStop waits until pid has stopped, which is not when kill returns.
func awaitStop(pid int) {
	for end := time.Now().Add(stopLimit); time.Now().Before(end); time.Sleep(stopPause) {
		if st, err := proc.ReadStat(pid); err != nil || st.State == 'T' || st.State == 'Z' {
			return
		}
	}
}

const (
	stopLimit = time.Second // for a shell that the machine does not let stop
	stopPause = 50 * time.Microsecond
)

func (r *shellRunner) resume() {
	if c := r.cur; c != nil && !c.paused.IsZero() {
		c.clocks.resume(&c.lookAt)
		r.signal(unix.SIGCONT)
		_ = syscall.Kill(r.shell(), unix.SIGCONT)
	}
}

// abandon ends a task, or the initializer, for which the shell has not become
// warm, with that shell and all that it has started.
func (r *shellRunner) abandon() {
	r.kill()
	r.sh.pid = 0
	r.cur.ended = time.Now()
	r.finish()
	r.s.leaving = true
}

// kill ends the shell with all that it has started.
func (r *shellRunner) kill() {
	proc.EndChildren(func(int) bool { return true }, killLimit, nil)
}

// close has the shell leave: its initializer's processes stay, as they would
// under any shell.
func (r *shellRunner) close() {
	if own := others(r.sh.pid); len(own) > 0 || len(r.sh.own) > 0 {
		pids := append(own, r.sh.own...)
		r.s.commit(func(b []byte) []byte { return ipc.AppendLeft(b, pids[:min(len(pids), 1000)]) })
	}
	r.sh.dismiss()
}
