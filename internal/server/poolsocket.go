package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"mpx/internal/ipc"

	"golang.org/x/sys/unix"
)

// socketName is a pool's socket in its side directory.
const socketName = "socket"

// socketAddr returns the address of the socket in dir by way of an open descriptor
// of dir, which the caller closes: an address has room for 108 bytes only, and a
// directory's path may be of any length.
func socketAddr(dir string) (addr *unix.SockaddrUnix, fd int, err error) {
	fd, err = unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, -1, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &unix.SockaddrUnix{Name: "/proc/self/fd/" + strconv.Itoa(fd) + "/" + socketName}, fd, nil
}

// A listener is where clients come in.
type listener struct{ f *os.File }

// listenMost is how many clients may wait to be let in; the kernel has its own bound.
const listenMost = 4096

func listen(dir string) (*listener, error) {
	addr, dirFD, err := socketAddr(dir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dirFD)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	if err = unix.Bind(fd, addr); err == nil {
		if err = os.Chmod(filepath.Join(dir, socketName), 0o600); err == nil {
			err = unix.Listen(fd, listenMost)
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &listener{os.NewFile(uintptr(fd), socketName)}, nil
}

// noRoomPause is how long a listener rests when it has no descriptor for who comes.
const noRoomPause = 20 * time.Millisecond

// accept waits for a client of the caller's own user. An error: l is closed.
func (l *listener) accept() (*ipc.Connection, error) {
	raw, err := l.f.SyscallConn()
	if err != nil {
		return nil, err
	}
	for {
		var fd int
		var failed error
		if err := raw.Read(func(s uintptr) bool {
			fd, _, failed = unix.Accept4(int(s), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			return !errors.Is(failed, unix.EAGAIN)
		}); err != nil {
			return nil, err
		}
		switch {
		case failed == nil && ownPeer(fd):
			return connection(fd), nil
		case failed == nil:
			unix.Close(fd)
		case errors.Is(failed, unix.EMFILE), errors.Is(failed, unix.ENFILE), errors.Is(failed, unix.ENOMEM), errors.Is(failed, unix.ENOBUFS):
			time.Sleep(noRoomPause) // until another client leaves
		}
	}
}

func (l *listener) close() { l.f.Close() }

// ownPeer reports whether who is at the other end is of the caller's user.
func ownPeer(fd int) bool {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && int(cred.Uid) == os.Getuid()
}

func connection(fd int) *ipc.Connection {
	return ipc.NewConnection(os.NewFile(uintptr(fd), socketName), true, true)
}

var errStranger = errors.New("who listens there is another user")

// dial connects to the socket in dir, and waits where many do so at a time. The
// connection blocks the thread that waits for it: a client of the pool has nothing else
// to do, and need not make ready to poll.
func dial(dir string) (*ipc.Connection, error) {
	addr, dirFD, err := socketAddr(dir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dirFD)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	for {
		if err = unix.Connect(fd, addr); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err == nil && !ownPeer(fd) {
		err = errStranger
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return connection(fd), nil
}
