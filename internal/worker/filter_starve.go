package worker

import (
	"os"
	"strconv"
	"strings"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

const (
	// starveAfter is how long a filter may be silent until it is looked whether
	// it waits for more records; each further look comes twice as late.
	starveAfter = 50 * time.Millisecond
	starveMost  = time.Second
)

// starve looks whether the copy has read all it was given, waits for more and
// has not answered: its stdout holds back what a few more records would drive
// out, or their end. If so, it gets more than it would.
func (r *filterRunner) starve(now time.Time) {
	r.silence = min(2*r.silence, starveMost)
	r.starveAt = now.Add(r.silence)
	if r.copy.closed || len(r.unsent) > 0 || !r.readsMore() || !empty(r.copy.out) {
		return
	}
	r.least = max(starveRecords, 4*r.n)
	if len(r.s.queue) == 0 {
		r.s.commit(func(b []byte) []byte { return ipc.AppendEmpty(b, ipc.KindStarved) })
		_ = r.s.flush() // the loop meets the same error
	}
}

// starveRecords is how many records a filter that holds back its replies gets at
// least.
const starveRecords = 64

// readsMore reports whether a process of the copy waits for more of its stdin,
// and nothing is left in there.
func (r *filterRunner) readsMore() bool {
	if !empty(r.copy.in) {
		return false
	}
	ours, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(r.copy.in))
	if err != nil {
		return false
	}
	for _, pid := range proc.Descendants(unix.Getpid()) {
		base := "/proc/" + strconv.Itoa(pid)
		if link, err := os.Readlink(base + "/fd/0"); err != nil || link != ours {
			continue
		}
		// The number of read(2), and 0 as its first argument.
		if call, err := os.ReadFile(base + "/syscall"); err == nil && strings.HasPrefix(string(call), readFromZero) {
			return true
		}
	}
	return false
}

// empty reports whether nothing stands in a pipe, either end of which is fd.
func empty(fd int) bool {
	waiting, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && waiting == 0
}

var readFromZero = strconv.Itoa(unix.SYS_READ) + " 0x0 "
