package shm

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What semctl(2) and semop(2) call these; package unix has none of it.
const (
	semGetAll = 13
	semSetAll = 17
	semUndo   = 0x1000
)

// A semOp is struct sembuf: an operation on one semaphore of a set. All those of
// a call are done at once, or none.
type semOp struct {
	num   uint16
	op    int16
	flags int16
}

func semGet(key int32, n, flags int) (id int, err error) {
	r, _, errno := unix.Syscall(unix.SYS_SEMGET, uintptr(key), uintptr(n), uintptr(flags))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// semDo does ops. limit, if it is positive, is the longest wait; EAGAIN is the
// error of one that is over.
func semDo(id int, limit time.Duration, ops ...semOp) error {
	var ts *unix.Timespec
	if limit > 0 {
		t := unix.NsecToTimespec(int64(limit))
		ts = &t
	}
	_, _, errno := unix.Syscall6(unix.SYS_SEMTIMEDOP, uintptr(id), uintptr(unsafe.Pointer(unsafe.SliceData(ops))), uintptr(len(ops)),
		uintptr(unsafe.Pointer(ts)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func semAll(id, command int, v *semCounts) error {
	_, _, errno := unix.Syscall6(unix.SYS_SEMCTL, uintptr(id), 0, uintptr(command), uintptr(unsafe.Pointer(v)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func semRemove(id int) error {
	_, _, errno := unix.Syscall6(unix.SYS_SEMCTL, uintptr(id), 0, unix.IPC_RMID, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// semGone reports whether err is that of a set which has been removed.
func semGone(err error) bool { return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EIDRM) }
