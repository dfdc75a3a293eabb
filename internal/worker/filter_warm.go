package worker

import (
	"strconv"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A warmth is when it is looked next whether the copy has started: each look
// comes half as late again as the one before. at is never once that has been told.
type warmth struct {
	at    time.Time
	pause time.Duration
}

const (
	warmLook = 2 * time.Millisecond
	warmMost = time.Second
)

// lookWarm looks whether the copy waits for its first record.
func (r *filterRunner) lookWarm(now time.Time) {
	if r.waitsForInput() {
		r.isWarm()
		return
	}
	r.warmth.pause = min(r.warmth.pause*3/2, warmMost)
	r.warmth.at = now.Add(r.warmth.pause)
}

// isWarm says that the copy has started, once.
func (r *filterRunner) isWarm() {
	if !r.warmth.at.IsZero() {
		r.warmth.at = time.Time{}
		r.room(2 * reserve)
		r.s.commit(func(b []byte) []byte { return ipc.AppendEmpty(b, ipc.KindWarm) })
	}
}

// waitsForInput reports whether a process of the copy stands in read(2) of its
// stdin. One that waits in another way has started when it answers.
func (r *filterRunner) waitsForInput() bool {
	in := linkOf("/proc/self", r.copy.in)
	for _, pid := range proc.Descendants(unix.Getpid()) {
		base := "/proc/" + strconv.Itoa(pid)
		if in != "" && linkOf(base, 0) == in && readsZero(base) {
			return true
		}
	}
	return false
}
