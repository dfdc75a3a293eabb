package shm

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// bootID identifies this run of the machine: what is of another is a leftover.
var bootID = sync.OnceValue(func() []byte {
	text := strings.ReplaceAll(strings.TrimSpace(string(contentOf("/proc/sys/kernel/random/boot_id"))), "-", "")
	id := make([]byte, 16)
	for i := range id {
		if 2*i+2 <= len(text) {
			n, _ := strconv.ParseUint(text[2*i:2*i+2], 16, 8)
			id[i] = byte(n)
		}
	}
	return id
})

// contentOf returns what a small file of /proc says; nil: it cannot be read. It is not
// os.ReadFile, which makes ready to wait for it, and takes a short command longer than
// all else it does with an object.
func contentOf(path string) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	b := make([]byte, 1024)
	n, _ := unix.Read(fd, b)
	return b[:max(0, n)]
}

// pidNamespace identifies the namespace of this process's pids.
var pidNamespace = sync.OnceValue(func() uint64 {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) != nil {
		return 0
	}
	return st.Ino
})

// An identity is a process: pids come again, so when it started belongs to it.
type identity struct {
	pid   int
	start uint64 // clock ticks since the machine's start
}

// identityOf returns the identity of pid; ok is false if there is no such
// process, or it has ended.
func identityOf(pid int) (id identity, ok bool) {
	f := statOf(pid)
	if f == nil || f[0][0] == 'Z' || f[0][0] == 'X' {
		return id, false
	}
	start, err := strconv.ParseUint(string(f[19]), 10, 64)
	return identity{pid, start}, err == nil
}

// parentOf returns the parent of pid; 0: there is none.
func parentOf(pid int) int {
	f := statOf(pid)
	if f == nil {
		return 0
	}
	ppid, _ := strconv.Atoi(string(f[1]))
	return ppid
}

// statOf returns what /proc tells of pid, from its state on; nil if there is no such
// process.
func statOf(pid int) [][]byte {
	b := contentOf("/proc/" + strconv.Itoa(pid) + "/stat")
	// The name, in parentheses, may hold anything; what follows its last ) not.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 20 {
		return nil
	}
	return f
}

// lives reports whether the process still is one.
func (id identity) lives() bool {
	now, ok := identityOf(id.pid)
	return ok && now == id
}

// awaits reports whether the process has ended, and is still to be reaped by reaper. If
// that has ended, it is another's to do.
func (id identity) awaits(reaper int) bool {
	f := statOf(id.pid)
	return f != nil && f[0][0] == 'Z' && string(f[1]) == strconv.Itoa(reaper) && string(f[19]) == strconv.FormatUint(id.start, 10)
}
