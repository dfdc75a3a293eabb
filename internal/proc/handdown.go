package proc

import (
	"errors"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// handed are the descriptors that children inherit at their own numbers: those
// this process has inherited itself, and those of HandDown.
var handed struct {
	sync.Mutex
	fds map[int]bool // nil: not looked for yet
}

// HandDown returns a copy of fd that processes started from now on inherit, to
// TakeBack. Its number is above what a shell or make may have handed down
// itself: at least 100 where the limit on descriptors allows it.
func HandDown(fd uintptr) (int, error) {
	handed.Lock()
	defer handed.Unlock()
	known := handedDown()
	for least := 100; ; least /= 2 {
		n, err := unix.FcntlInt(fd, unix.F_DUPFD, least)
		if err == nil {
			known[n] = true
			return n, nil
		}
		if high := errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EMFILE); !high || least < 10 {
			return -1, err
		}
	}
}

// TakeBack closes what HandDown returned.
func TakeBack(fd int) {
	handed.Lock()
	defer handed.Unlock()
	delete(handed.fds, fd)
	unix.Close(fd)
}

// DropInherited closes all that processes started from now on would inherit.
func DropInherited() {
	handed.Lock()
	defer handed.Unlock()
	for fd := range handedDown() {
		unix.Close(fd)
	}
	handed.fds = map[int]bool{}
}

// handedDown returns handed.fds, which the caller has locked.
func handedDown() map[int]bool {
	if handed.fds == nil {
		handed.fds = inherited()
	}
	return handed.fds
}

// inherited returns the descriptors above 2 that are not close-on-exec: the
// runtime and this program open none such.
func inherited() map[int]bool {
	fds := map[int]bool{}
	dir, err := unix.Open("/proc/self/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fds
	}
	defer unix.Close(dir)
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(dir, buf)
		if n <= 0 || err != nil {
			return fds
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			fd, err := strconv.Atoi(name)
			if err != nil || fd <= 2 {
				continue
			}
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
				fds[fd] = true
			}
		}
	}
}

// keepClear sees to it that the number after the highest of files is not one
// that the child inherits. ForkExec puts a pipe of its own there, in the child,
// without a look: a lock of flock's or make's jobserver would be gone. What it
// copies for that is to be closed; −1 is nothing.
func keepClear(files *[3]uintptr) (extra int, err error) {
	handed.Lock()
	defer handed.Unlock()
	known := handedDown()
	for extra = -1; known[int(max(files[0], files[1], files[2]))+1]; {
		next, err := unix.FcntlInt(files[0], unix.F_DUPFD_CLOEXEC, int(max(files[0], files[1], files[2]))+2)
		if extra >= 0 {
			unix.Close(extra)
		}
		if errors.Is(err, unix.EINVAL) {
			err = syscall.EMFILE // above the limit
		}
		if err != nil {
			return -1, err
		}
		extra, files[0] = next, uintptr(next)
	}
	return extra, nil
}
