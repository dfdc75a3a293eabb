package proc

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of a worker's loop, and one of a process's end. They are raw: the runtime is not told, so it
// neither takes the processor away nor wakes its monitor. That halves the
// worker's own time a task. It is right only while the process has a single
// goroutine that runs: another would find no processor during a call. And it
// is the one place outside shm that needs unsafe: package unix has no raw
// forms of these calls.

// spin is how long Poll waits without telling the runtime: longer than a short
// task, and too short for an idle worker to cost anything.
const spin = 3 * time.Millisecond

// Poll waits for one of fds, at most timeout (negative: for ever), and returns
// how many are ready. An interrupted wait returns 0.
func Poll(fds []unix.PollFd, timeout time.Duration) (int, error) {
	first := spin
	if timeout >= 0 && timeout < first {
		first = timeout
	}
	n, errno := rawPoll(fds, first)
	if n > 0 || errno != 0 || timeout >= 0 && timeout <= spin {
		return n, pollError(errno)
	}
	return SlowPoll(fds, timeout-first) // still negative when timeout is
}

// SlowPoll is Poll for a process with other goroutines.
func SlowPoll(fds []unix.PollFd, timeout time.Duration) (int, error) {
	var ts *unix.Timespec
	if timeout >= 0 {
		t := unix.NsecToTimespec(int64(timeout))
		ts = &t
	}
	n, err := unix.Ppoll(fds, ts, nil)
	if err == nil {
		return n, nil
	}
	return 0, pollError(err.(syscall.Errno))
}

func pollError(errno syscall.Errno) error {
	if errno == 0 || errno == unix.EINTR {
		return nil
	}
	return errno
}

func rawPoll(fds []unix.PollFd, timeout time.Duration) (int, syscall.Errno) {
	ts := unix.NsecToTimespec(int64(timeout))
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))),
		uintptr(len(fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// Read reads from a non-blocking descriptor. It returns 0, nil at end of file.
func Read(fd int, b []byte) (int, error) {
	return transfer(syscall.SYS_READ, fd, b)
}

// Pread reads from the beginning of a file.
func Pread(fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Write writes to a non-blocking descriptor.
func Write(fd int, b []byte) (int, error) {
	return transfer(syscall.SYS_WRITE, fd, b)
}

func transfer(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// Reap takes the status of one child that has ended, whichever. pid is 0 when
// children are left but none has ended; the error is ECHILD when there are no
// children at all.
func Reap(ru *syscall.Rusage) (pid int, ws syscall.WaitStatus, err error) {
	for {
		p, _, errno := syscall.RawSyscall6(syscall.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&ws)),
			syscall.WNOHANG, uintptr(unsafe.Pointer(ru)), 0, 0)
		switch errno {
		case 0:
			return int(p), ws, nil
		case unix.EINTR:
		default:
			return 0, 0, errno
		}
	}
}

// Close closes fd.
func Close(fd int) { _, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

// SetBlocking makes fd's open file blocking: a task may have left the pipe
// that the next one inherits otherwise.
func SetBlocking(fd int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, syscall.O_WRONLY)
}

// setTimes sets the times of the file behind fd to so many seconds after 1970.
func setTimes(fd int, seconds int64) {
	times := [2]syscall.Timespec{{Sec: seconds}, {Sec: seconds}}
	_, _, _ = syscall.RawSyscall6(syscall.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
}

func setName(name string) error {
	var b [16]byte
	copy(b[:15], name)
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0)
	return pollError(errno)
}

// TakeDefault gives sig its default action. os/signal gives it the runtime's, which
// tells of goroutines by SIGQUIT and lets a SIGPIPE that is sent pass.
func TakeDefault(sig syscall.Signal) {
	var action [4]uintptr // struct sigaction of the kernel: SIG_DFL, no flags, an empty mask
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}
