package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A MemoryGroup is a group that MemoryGroups.Make has made, as it is used: by
// one task at a time. A process enters it by writing its pid to cgroup.procs.
type MemoryGroup struct {
	Dir    string
	limit  int64
	v1     bool
	unused bool // no task has been in it
	exact  bool // its peak is the running task's
	before toll

	// Descriptors; -1: the kernel has no such thing. The peak's must stay the
	// same from reset to reading: in version 2 each has a peak of its own.
	peak, usage, events int
	alarm               int // an eventfd
}

// A toll is what the kernel has counted in a group since it was made.
type toll struct {
	kills int64 // processes that it killed for want of memory
	full  int64 // how often it could not free enough to stay below the limit
}

// OpenMemoryGroup opens the group dir, which is held to limit.
func OpenMemoryGroup(dir string, limit int64) (*MemoryGroup, error) {
	_, err := os.Stat(dir + "/memory.limit_in_bytes")
	g := &MemoryGroup{Dir: dir, limit: limit, v1: err == nil}
	return g, g.open()
}

func (g *MemoryGroup) open() error {
	g.unused, g.before, g.alarm = true, toll{}, -1
	peak, usage, events := "/memory.peak", "/memory.current", "/memory.events.local"
	if g.v1 {
		peak, usage, events = "/memory.max_usage_in_bytes", "/memory.usage_in_bytes", "/memory.oom_control"
	}
	if g.peak = openGroup(g.Dir+peak, unix.O_RDWR); g.peak < 0 { // it can only be read
		g.peak = openGroup(g.Dir+peak, unix.O_RDONLY)
	}
	g.usage = openGroup(g.Dir+usage, unix.O_RDONLY)
	if g.events = openGroup(g.Dir+events, unix.O_RDONLY); g.events < 0 && !g.v1 {
		g.events = openGroup(g.Dir+"/memory.events", unix.O_RDONLY) // before Linux 5.2
	}
	if g.usage < 0 || g.events < 0 {
		g.close()
		return fmt.Errorf("open memory group %s: it has no %s or no %s", g.Dir, usage[1:], events[1:])
	}
	if g.v1 {
		g.arm()
	}
	return nil
}

func openGroup(path string, mode int) int {
	fd, err := unix.Open(path, mode|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

func (g *MemoryGroup) close() {
	for _, fd := range []*int{&g.peak, &g.usage, &g.events, &g.alarm} {
		if *fd >= 0 {
			unix.Close(*fd)
		}
		*fd = -1
	}
}

// arm has the kernel tell when the group, or one above it, is full: version 1
// ends one process then, and the rest of the task must hear of it.
func (g *MemoryGroup) arm() {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return
	}
	if writeGroup(g.Dir+"/cgroup.event_control", fmt.Sprintf("%d %d", fd, g.events)) != nil {
		unix.Close(fd)
		return
	}
	g.alarm = fd
}

// Alarm returns a descriptor that is readable when the group may have been
// over its limit; -1: version 2 needs none, as it ends all of a group.
func (g *MemoryGroup) Alarm() int { return g.alarm }

// Quiet makes Alarm's descriptor unreadable again.
func (g *MemoryGroup) Quiet() {
	var b [8]byte
	_, _ = Read(g.alarm, b[:])
}

// Begin makes the group ready for a task: nothing of the last is to count as
// the new one's. A peak may be reset, though not before Linux 6.12 in version
// 2; and files that were read or written stay in memory, those of a tmpfs for
// good. Then the group is made anew, as when somebody has removed it.
func (g *MemoryGroup) Begin() error {
	reset := g.peak >= 0 && rewrite(g.peak) == nil
	g.exact = reset || g.unused
	held, err := number(g.usage)
	stale := g.peak >= 0 && !reset || held > min(g.limit/16, 4<<20)
	if err != nil || stale && !g.unused {
		if err := g.renew(); err != nil {
			return err
		}
	}
	g.unused, g.before = false, g.toll()
	return nil
}

func rewrite(fd int) error {
	_, err := unix.Pwrite(fd, []byte("0\n"), 0)
	return err
}

// renew makes the group anew, unless the last processes are still leaving it.
func (g *MemoryGroup) renew() error {
	for end := time.Now().Add(10 * time.Millisecond); removeTree(g.Dir) != nil; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			return nil
		}
	}
	g.close()
	if err := makeGroup(g.Dir, g.limit, g.v1); err != nil {
		return err
	}
	g.exact = true
	return g.open()
}

// Peak returns the most memory, in bytes, that the group had at once since
// Begin: of all processes, with the files that they read and wrote. ok is false
// where the kernel does not say.
func (g *MemoryGroup) Peak() (n int64, ok bool) {
	if g.peak < 0 || !g.exact {
		return 0, false
	}
	n, err := number(g.peak)
	return n, err == nil
}

// Killed reports whether the kernel has killed a process in the group since
// Begin, and if so, whether the group was over its limit: otherwise one above
// it was, or the machine had no more.
func (g *MemoryGroup) Killed() (killed, over bool) {
	now := g.toll()
	killed = now.kills > g.before.kills
	if g.v1 { // counts no such thing; the last pages before the kill are some few
		peak, _ := number(g.peak)
		return killed, killed && peak > g.limit-64<<10
	}
	return killed, killed && now.full > g.before.full
}

func (g *MemoryGroup) toll() toll {
	b, _ := content(g.events)
	text := string(b)
	return toll{kills: parseMemoryStat(text, "oom_kill"), full: parseMemoryStat(text, "oom")}
}

func number(fd int) (int64, error) {
	b, err := content(fd)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
}

// content returns what can be read at fd, a few lines. The error is ENODEV when
// the group is gone.
func content(fd int) ([]byte, error) {
	var b [1024]byte
	n, err := unix.Pread(fd, b[:], 0)
	return b[:max(0, n)], err
}
