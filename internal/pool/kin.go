package pool

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"mpx/internal/proc"
)

// sweepLimit is how long the end of a dead worker's processes may take.
const sweepLimit = 5 * time.Second

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
	others  bool         // orphans may come that no running task has left
	reaps   bool         // reapOrphans runs
}

// meet notes the children that are there before another pool is: all but
// workers and what finished tasks have left. Of what they have started, and will
// start, some may come to this process later.
func (k *kin) meet() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !proc.AnyChild() {
		return // the usual case, and listing children is some forty system calls
	}
	for _, pid := range proc.Children(os.Getpid()) {
		marks, _ := proc.MarksOf(pid)
		if !k.workers[pid] && !slices.ContainsFunc(marks, proc.Mark.MadeHere) {
			k.before[pid] = true
			k.expectOthers()
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
	if len(pids) > 0 {
		k.expectOthers()
	}
}

// expectOthers notes that orphans may come that no running task has left. From
// then on they are reaped as they end. The caller holds mu.
func (k *kin) expectOthers() {
	k.others = true
	if !k.reaps {
		k.reaps = true
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGCHLD)
		go k.reapOrphans(c)
	}
}

// reapOrphans reaps orphans as they end, for as long as the process lives.
func (k *kin) reapOrphans(c chan os.Signal) {
	for range c {
		for _, pid := range proc.Children(os.Getpid()) {
			if !k.knows(pid) {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			}
		}
	}
}

// knows reports whether pid is no orphan.
func (k *kin) knows(pid int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.workers[pid] || k.before[pid]
}

// sweep ends the processes of the task that a dead worker was running: those
// that have come to this process from there. All that the worker has started has its
// mark, or is in the task's session, unless it has rid itself of both.
func (k *kin) sweep(mark proc.Mark, session int) {
	c := proc.Claim{Mark: mark, Session: session, Spare: k.knows, Alone: k.alone}
	c.End(sweepLimit)
}

// alone reports whether every orphan is of a running task.
func (k *kin) alone() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.others
}
