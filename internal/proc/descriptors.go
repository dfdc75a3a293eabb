package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// Descriptors that the runtime opens for itself, as soon as it waits for a file: its
// poller has two of them, a pipe is two more.
const (
	runtimeDescriptors = 4
	plenty             = 64 // so many are enough for whatever comes before
)

// ReserveDescriptors has the runtime open now what it opens for itself, where there may
// be no room later: it would end the process, and tell of its goroutines. The error says
// that there is no room now; it is a syscall.Errno.
func ReserveDescriptors() error {
	var fds [runtimeDescriptors]int
	for i := range fds {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			closeAll(fds[:i])
			return err
		}
		fds[i] = fd
		var limit unix.Rlimit
		if i == 0 && unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur >= uint64(fd+plenty) {
			return unix.Close(fd)
		}
	}
	closeAll(fds[:])
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	r.Close()
	return w.Close()
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
