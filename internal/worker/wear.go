package worker

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// wearPause is the least time between two looks: a task may take a microsecond,
// and a look takes more.
const wearPause = time.Millisecond

// wear is what is known of the memory that this worker keeps from task to task.
// Over its limit the worker says WORN, starts nothing more and gives back what it
// has; to retire it is the supervisor's act.
type wear struct {
	due    bool      // a task has ended since the last look
	over   bool      // WORN has been said
	next   int64     // bytes that one more task is expected to add
	lookAt time.Time // there is no look before
	of     []int     // the processes of files
	files  []int     // their /proc/PID/statm: kept open, none is ever another process's
}

// look sees whether this worker has worn out. It is to be called between two
// tasks, by whoever has the session; a runner whose task is long may call it
// where it could also end early. It costs nothing without a limit, else a
// microsecond or two, and so much no more often than each wearPause.
func (s *session) look(r runner) {
	w := &s.wear
	if s.cfg.MaxMemory <= 0 || w.over {
		w.due = false
		return
	}
	now := time.Now()
	if now.Before(w.lookAt) {
		return
	}
	w.due, w.lookAt = false, now.Add(wearPause)
	n := w.resident(r.residents())
	s.board.Resident.Store(uint64(n))
	if w.over = n+w.next > s.cfg.MaxMemory; w.over {
		s.commit(func(b []byte) []byte { return ipc.AppendWorn(b, n) })
	}
}

// unload gives back the tasks of a worn worker, as far as there is room to say so.
func (s *session) unload() {
	for s.wear.over && len(s.queue) > 0 && s.out.Room() >= reserve {
		s.giveBack(len(s.queue))
	}
}

// resident returns the bytes that pids have in memory. One that has ended, or
// cannot be looked at, has none.
func (w *wear) resident(pids []int) (n int64) {
	if !slices.Equal(pids, w.of) {
		w.watch(pids)
	}
	for _, fd := range w.files {
		n += residentOf(fd)
	}
	return n
}

// watch opens the files of pids.
func (w *wear) watch(pids []int) {
	for _, fd := range w.files {
		proc.Close(fd)
	}
	w.of, w.files = slices.Clone(pids), w.files[:0]
	for _, pid := range pids {
		if fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/statm", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			w.files = append(w.files, fd)
		}
	}
}

// residentOf reads the second number of a statm, which counts pages.
func residentOf(fd int) int64 {
	var b [128]byte
	n, err := proc.Pread(fd, b[:])
	if err != nil { // ESRCH: it has ended
		return 0
	}
	_, rest, _ := bytes.Cut(b[:n], []byte(" "))
	pages, _, _ := bytes.Cut(rest, []byte(" "))
	k, _ := strconv.ParseInt(string(pages), 10, 64)
	return k * int64(os.Getpagesize())
}
