package server

import (
	"os"
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
// shell and its children are meant to get it together. What is stopped goes on: it
// would not hear.
func (k *keeper) signal(sig syscall.Signal) {
	group := !k.over && syscall.Kill(-k.pid, sig) == nil
	var others []int
	for _, pid := range proc.Descendants(os.Getpid()) {
		if st, err := proc.ReadStat(pid); err == nil && !(group && st.Group == k.pid) {
			others = append(others, pid)
		}
	}
	proc.SignalAll(others, sig)
	if group {
		_ = syscall.Kill(-k.pid, unix.SIGCONT)
	}
	proc.SignalAll(others, unix.SIGCONT)
}

// killAll kills all that is below the keeper.
func (k *keeper) killAll() {
	proc.EndChildren(func(int) bool { return true }, killLimit, k.reaped)
}
