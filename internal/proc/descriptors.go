package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// plenty is how many descriptors are enough for whatever a command opens before the
// runtime needs some of its own.
const plenty = 64

// ReserveDescriptors has the runtime open now the two descriptors that it waits by, where
// there may be no room for them later: it would end the process, and tell of its
// goroutines. Where there are plenty that would cost a short command a tenth of its
// time. The error says that there is no room now; it is a syscall.Errno.
func ReserveDescriptors() error {
	first, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return err
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil && limit.Cur >= uint64(first+plenty) {
		return unix.Close(first)
	}
	second, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	unix.Close(first)
	if err != nil {
		return err
	}
	unix.Close(second)
	time.AfterFunc(time.Hour, func() {}).Stop() // any timer has it open them
	return nil
}
