package pool

import (
	"mpx/internal/proc"
)

// openGroups looks for a place where groups can be made to hold tasks to
// Config.LimitMemory. Where there is none, the limit is one on the address
// space of each process, and nothing is to be said: both keep tasks within it.
func (p *Pool) openGroups() {
	if p.cfg.LimitMemory > 0 {
		p.groups, _ = proc.OpenMemoryGroups()
	}
}

// makeGroup makes the worker's memory group, if it is to have one. It belongs
// to this goroutine; a worker whose supervisor is gone removes it itself.
func (w *worker) makeGroup() {
	if w.p.groups == nil {
		return
	}
	var err error
	if w.group, err = w.p.groups.Make(w.p.cfg.LimitMemory); err != nil {
		w.group = ""
		w.p.groupless.Do(func() {
			w.p.notice("--limit-memory is of each process's address space: "+err.Error(), "")
		})
	}
}

// removeGroup removes it. What a dead worker's task has left in it is killed;
// what finished tasks may leave running goes on where the supervisor is, and
// has no limit any more.
func (w *worker) removeGroup(dead bool) {
	if w.group == "" {
		return
	}
	if err := proc.RemoveMemoryGroup(w.group, dead); err != nil {
		w.p.notice(err.Error(), "remove the directory when the processes in its cgroup.procs are gone")
	}
}
