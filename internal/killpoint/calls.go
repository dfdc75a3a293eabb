package killpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// calls are the system calls that others may notice, or that decide who has a lock. A
// kill before any other leaves the same as one before the next of these.
var calls = map[int]string{
	unix.SYS_OPENAT: "openat", unix.SYS_CLOSE: "close", unix.SYS_LINKAT: "linkat", unix.SYS_UNLINKAT: "unlinkat",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_SYMLINKAT: "symlinkat",
	unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FALLOCATE: "fallocate", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_WRITEV: "writev", unix.SYS_COPY_FILE_RANGE: "copy_file_range",
	unix.SYS_SENDFILE: "sendfile", unix.SYS_SPLICE: "splice", unix.SYS_READ: "read",
	unix.SYS_FCNTL: "fcntl", unix.SYS_FLOCK: "flock", unix.SYS_FUTEX: "futex",
	unix.SYS_SEMGET: "semget", unix.SYS_SEMCTL: "semctl", unix.SYS_SEMOP: "semop", unix.SYS_SEMTIMEDOP: "semtimedop",
	unix.SYS_CLONE: "clone", unix.SYS_EXECVE: "execve", unix.SYS_SETSID: "setsid",
	unix.SYS_KILL: "kill", unix.SYS_PIDFD_SEND_SIGNAL: "pidfd_send_signal", unix.SYS_WAIT4: "wait4", unix.SYS_WAITID: "waitid",
	unix.SYS_BIND: "bind", unix.SYS_LISTEN: "listen", unix.SYS_CONNECT: "connect",
	unix.SYS_ACCEPT4: "accept4", unix.SYS_SENDTO: "sendto", unix.SYS_SENDMSG: "sendmsg", unix.SYS_EXIT_GROUP: "exit_group",
}

const (
	futexPrivate = 128 // the Go runtime's own
	cloneThread  = 0x10000
)

// callOf returns the name of the call that a thread is about to make, if it counts; "":
// it does not.
func callOf(tid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", tid))
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b)) // the number, and six arguments in hexadecimal
	if len(f) < 7 {
		return ""
	}
	nr, err := strconv.Atoi(f[0])
	if err != nil || calls[nr] == "" {
		return ""
	}
	arg := func(i int) int64 {
		n, _ := strconv.ParseUint(f[1+i], 0, 64)
		return int64(n)
	}
	without := false
	switch nr {
	case unix.SYS_OPENAT:
		without = arg(2)&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC) == unix.O_RDONLY
	case unix.SYS_CLOSE, unix.SYS_READ:
		without = onlyReads(tid, int(arg(0)))
	case unix.SYS_FUTEX:
		without = arg(1)&futexPrivate != 0
	case unix.SYS_CLONE:
		without = arg(0)&cloneThread != 0
	case unix.SYS_FCNTL:
		switch arg(1) {
		case unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		default:
			without = true
		}
	}
	if without {
		return ""
	}
	return calls[nr]
}

// onlyReads reports whether the descriptor is a file that has been opened to be read:
// nobody notices when it is read or closed.
func onlyReads(tid, fd int) bool {
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, fd))
	if err != nil {
		return true // it is none
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", tid, fd))
	if err != nil || to[0] != '/' && !strings.HasPrefix(to, "anon_inode:") {
		return false
	}
	_, flags, _ := strings.Cut(string(info), "flags:\t")
	flags, _, _ = strings.Cut(flags, "\n")
	n, err := strconv.ParseUint(flags, 8, 64)
	return to[0] != '/' || err == nil && n&unix.O_ACCMODE == unix.O_RDONLY
}
