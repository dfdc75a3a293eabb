package worker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	// starveAgain is when it is looked again before that is believed.
	starveAgain = 10 * time.Millisecond
)

// starve looks whether the copy has read all it was given, waits for more and
// has not answered: its stdout holds back what a few more records would drive
// out, or their end. If so, it gets more than it would.
func (r *filterRunner) starve(now time.Time) {
	r.silence = min(2*r.silence, starveMost)
	r.starveAt = now.Add(r.silence)
	if r.copy.closed || len(r.unsent) > 0 || !r.readsMore(now) || !empty(r.copy.out) {
		return
	}
	if !r.suspect.Equal(r.since) { // a reply may just be on its way
		r.suspect, r.starveAt = r.since, now.Add(starveAgain)
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

// readsMore reports whether a process of the copy waits for more of its stdin, in
// which nothing is left, and none works on what it has read. In a pipeline the
// first may wait while the last still works, and so may one thread while others
// do; in the end that is no longer believed, as something else may stay busy.
func (r *filterRunner) readsMore(now time.Time) bool {
	if !empty(r.copy.in) {
		return false
	}
	in, out := linkOf("/proc/self", r.copy.in), linkOf("/proc/self", r.copy.out)
	waits, sure := false, now.Sub(r.since) > starveSure
	for _, pid := range proc.Descendants(unix.Getpid()) {
		base := "/proc/" + strconv.Itoa(pid)
		reads, answers := in != "" && linkOf(base, 0) == in, out != "" && linkOf(base, 1) == out
		if _, err := os.Lstat(base); err != nil { // it has just ended, so there is life
			return false
		}
		if !reads && !answers {
			continue
		}
		waits = waits || reads && readsZero(base)
		if !sure && works(base) {
			return false
		}
	}
	return waits
}

// starveSure is how long a copy is silent that holds back its replies although
// it seems to work.
const starveSure = 10 * time.Second

// linkOf returns what a descriptor of a process is; "" if that cannot be seen.
func linkOf(base string, fd int) string {
	link, _ := os.Readlink(base + "/fd/" + strconv.Itoa(fd))
	return link
}

// works reports whether a thread of a process does anything but wait for input or
// for others.
func works(base string) bool {
	calls, err := filepath.Glob(base + "/task/*/syscall")
	if err != nil || len(calls) == 0 { // it did, until now
		return true
	}
	for _, path := range calls {
		call, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrPermission) {
			continue
		}
		name, _, _ := strings.Cut(string(call), " ")
		if n, err := strconv.Atoi(name); err != nil || !slices.Contains(waitCalls, n) { // or "running"
			return true
		}
	}
	return false
}

// waitCalls are the system calls in which those stand who have nothing to do.
var waitCalls = []int{
	unix.SYS_READ, unix.SYS_WAIT4, unix.SYS_WAITID, unix.SYS_RT_SIGSUSPEND, unix.SYS_RT_SIGTIMEDWAIT,
	unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT,
}

// empty reports whether nothing stands in a pipe, either end of which is fd.
func empty(fd int) bool {
	waiting, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && waiting == 0
}

// readsZero reports whether a process stands in read(2) of its stdin.
func readsZero(base string) bool {
	call, err := os.ReadFile(base + "/syscall")
	return err == nil && strings.HasPrefix(string(call), readFromZero)
}

// readFromZero is the number of read(2), and 0 as its first argument.
var readFromZero = strconv.Itoa(unix.SYS_READ) + " 0x0 "
