package killpoint

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// calls are the system calls that others may notice, or that decide who has a lock. A
// kill before any other leaves the same as one before the next of these.
var calls = map[int]string{
	unix.SYS_OPENAT: "openat", unix.SYS_CLOSE: "close", unix.SYS_LINKAT: "linkat", unix.SYS_UNLINKAT: "unlinkat",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_SYMLINKAT: "symlinkat",
	unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FALLOCATE: "fallocate", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_WRITEV: "writev",
	unix.SYS_MMAP: "mmap", unix.SYS_MUNMAP: "munmap", unix.SYS_MEMFD_CREATE: "memfd_create",
	unix.SYS_FCNTL: "fcntl", unix.SYS_FLOCK: "flock", unix.SYS_FUTEX: "futex",
	unix.SYS_SEMGET: "semget", unix.SYS_SEMCTL: "semctl", unix.SYS_SEMOP: "semop", unix.SYS_SEMTIMEDOP: "semtimedop",
	unix.SYS_CLONE: "clone", unix.SYS_CLONE3: "clone3", unix.SYS_EXECVE: "execve", unix.SYS_SETSID: "setsid",
	unix.SYS_KILL: "kill", unix.SYS_PIDFD_SEND_SIGNAL: "pidfd_send_signal", unix.SYS_WAIT4: "wait4", unix.SYS_WAITID: "waitid",
	unix.SYS_SOCKETPAIR: "socketpair", unix.SYS_BIND: "bind", unix.SYS_LISTEN: "listen", unix.SYS_CONNECT: "connect",
	unix.SYS_ACCEPT4: "accept4", unix.SYS_SENDTO: "sendto", unix.SYS_SENDMSG: "sendmsg", unix.SYS_EXIT_GROUP: "exit_group",
}

const (
	futexPrivate = 128 // the Go runtime's own
	cloneThread  = 0x10000
)

// callOf returns the call that the thread is about to make, if it counts; "": it does
// not.
func callOf(tid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", tid))
	if err != nil {
		return ""
	}
	var nr int
	var arg [6]uint64
	if n, _ := fmt.Sscanf(string(b), "%d 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x", &nr, &arg[0], &arg[1], &arg[2], &arg[3], &arg[4], &arg[5]); n < 7 {
		return ""
	}
	switch nr {
	case unix.SYS_FUTEX:
		if arg[1]&futexPrivate != 0 {
			return ""
		}
	case unix.SYS_CLONE:
		if arg[0]&cloneThread != 0 {
			return ""
		}
	case unix.SYS_MMAP:
		if arg[3]&unix.MAP_SHARED == 0 {
			return ""
		}
	case unix.SYS_MUNMAP:
		if !strings.Contains(sharedAt(tid, arg[0]), "s ") {
			return ""
		}
	case unix.SYS_FCNTL:
		switch int(arg[1]) {
		case unix.F_GETFL, unix.F_SETFL, unix.F_GETFD, unix.F_SETFD, unix.F_OFD_GETLK, unix.F_GETLK:
			return ""
		}
	}
	return calls[nr]
}

// sharedAt returns the line of maps of the mapping that begins at addr.
func sharedAt(tid int, addr uint64) string {
	maps, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", tid))
	for line := range strings.Lines(string(maps)) {
		if strings.HasPrefix(line, fmt.Sprintf("%x-", addr)) {
			return line
		}
	}
	return ""
}
