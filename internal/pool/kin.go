package pool

import (
	"bytes"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"mpx/internal/proc"
)

const (
	// sweepLimit is how long the end of a dead worker's processes may take.
	sweepLimit = 5 * time.Second
	// unsureTime is how long a process may look as if it were nobody's: in the
	// midst of its exec or of its end it has no environment.
	unsureTime = 500 * time.Millisecond
)

// family is all pools': a process's children come to it whichever pool they
// are of.
var family = kin{workers: map[int]bool{}, before: map[int]bool{}}

// kin knows the supervisor's children: its workers, those it had before a
// pool was, and the orphans that come to it as the subreaper. It ends what a
// dead worker's task left, and nothing else.
type kin struct {
	mu      sync.Mutex // guards the following; held while a worker starts
	workers map[int]bool
	before  map[int]bool // children that are no pool's
	leaving bool         // finished tasks have left processes running
}

// meet notes the children that are there before another pool is: all but
// workers and what finished tasks have left.
func (k *kin) meet() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !proc.AnyChild() {
		return // the usual case, and listing children is some forty system calls
	}
	for _, pid := range proc.Children(os.Getpid()) {
		if _, left := workerOf(pid); !left && !k.workers[pid] {
			k.before[pid] = true
		}
	}
}

// start runs f, which starts a worker, so that no orphan is mistaken for it nor
// it for one.
func (k *kin) start(f func() (int, error)) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	pid, err := f()
	if err == nil {
		k.workers[pid] = true
		delete(k.before, pid)
	}
	return pid, err
}

// StartBeside runs f, which starts a child of this process that is no pool's, and
// returns its pid. Pools leave that process to the caller, who tells EndedBeside
// once it has been waited for: an orphan would be reaped as it ends, and its
// status lost.
func StartBeside(f func() (pid int, err error)) (int, error) { return family.start(f) }

// EndedBeside says that a process of StartBeside has been waited for.
func EndedBeside(pid int) { family.ended(pid) }

func (k *kin) ended(pid int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.workers, pid)
}

// left notes that processes of finished tasks run on. They are left be, and
// only reaped when they end.
func (k *kin) left(pids []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(pids) > 0 && !k.leaving {
		k.leaving = true
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGCHLD)
		go k.reapLeft(c)
	}
}

// reapLeft reaps orphans as they end, for as long as the process lives.
func (k *kin) reapLeft(c chan os.Signal) {
	for range c {
		for _, pid := range proc.Children(os.Getpid()) {
			if k.orphan(pid) {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
	}
}

func (k *kin) orphan(pid int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.workers[pid] && !k.before[pid]
}

// sweep ends the processes of the task that a dead worker was running: its
// process group, and the orphans that have come to this process from there.
func (k *kin) sweep(workerPID, group int) {
	if group > 0 {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
	// Twice, as an orphan may come to one thread's list while another's is read.
	looks := 2
	for end := time.Now().Add(unsureTime); looks > 0; time.Sleep(time.Millisecond) {
		sure := true
		proc.EndChildren(func(pid int) bool {
			mine, known := k.belongs(pid, workerPID, group)
			sure = sure && known
			return mine
		}, sweepLimit, nil)
		if looks--; !sure && time.Now().Before(end) {
			looks = 2
		}
	}
}

// belongs reports whether an orphan is the dead worker's: by its session, or by
// the name of the worker in its environment. One that has neither (setsid and
// env -i) is taken for it unless finished tasks have left processes, of which
// it may be one: then that is not sure, and it may soon have either, or have
// left children that do.
func (k *kin) belongs(pid, workerPID, group int) (mine, sure bool) {
	if !k.orphan(pid) {
		return false, true
	}
	if st, err := proc.ReadStat(pid); err == nil && group > 0 && st.Session == group {
		return true, true
	}
	if named, ok := workerOf(pid); ok {
		return named == workerPID, true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.leaving, !k.leaving
}

// workerOf returns the MPX_WORKER_PID in the environment of process pid.
func workerOf(pid int) (int, bool) {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return 0, false
	}
	const name = "MPX_WORKER_PID="
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.HasPrefix(v, []byte(name)) && string(v[len(name):]) != os.Getenv("MPX_WORKER_PID") {
			n, err := strconv.Atoi(string(v[len(name):]))
			return n, err == nil
		}
	}
	return 0, false
}
