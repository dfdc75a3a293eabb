package server

import (
	"os"
	"slices"
	"syscall"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// keep waits until the command is over. When the parent has ended, it is until all
// is over that the command has started.
func (k *keeper) keep() {
	k.reap() // what has ended before now
	for !k.over || k.kill != nil && proc.AnyChild() {
		select {
		case <-k.children:
			k.reap()
		case s := <-k.orders:
			k.order(s.(syscall.Signal))
		case <-k.parent:
			k.parent = nil
			k.signal(unix.SIGTERM)
			k.kill = time.After(grace)
		case <-k.kill:
			k.killAll()
			k.kill = nil
		}
	}
}

// reap takes the status of all children that have ended.
func (k *keeper) reap() {
	for {
		var ru syscall.Rusage
		pid, ws, err := proc.Reap(&ru)
		if pid == 0 || err != nil {
			return
		}
		k.reaped(pid, ws, &ru)
	}
}

func (k *keeper) reaped(pid int, ws syscall.WaitStatus, _ *syscall.Rusage) {
	if pid == k.pid && !k.over {
		k.over, k.status = true, ws
	}
}

func (k *keeper) order(s syscall.Signal) {
	if s == killSignal {
		k.killAll()
		return
	}
	k.signal(s)
}

// signal sends sig to all that is below the keeper, the command's group first: a
// shell and its children are meant to get it together. Who they are is settled before:
// once one has ended, its children have another parent, and what is born from now on
// is for cleaning up. What is stopped goes on: it would not hear.
func (k *keeper) signal(sig syscall.Signal) {
	all := below()
	group := !k.over && syscall.Kill(-k.pid, sig) == nil
	others := slices.DeleteFunc(all, func(pid int) bool {
		st, err := proc.ReadStat(pid)
		return err != nil || group && st.Group == k.pid
	})
	proc.SignalAll(others, sig)
	if group {
		_ = syscall.Kill(-k.pid, unix.SIGCONT)
	}
	proc.SignalAll(others, unix.SIGCONT)
}

// below returns all that is below this process. It looks until it has seen the same
// twice: who passes from one parent to another meanwhile may be seen with neither.
func below() (all []int) {
	for range 10 {
		last := all
		all = proc.Descendants(os.Getpid())
		if slices.Sort(all); slices.Equal(all, last) {
			break
		}
	}
	return all
}

// killAll kills all that is below the keeper.
func (k *keeper) killAll() {
	proc.EndChildren(func(int) bool { return true }, killLimit, k.reaped)
}
