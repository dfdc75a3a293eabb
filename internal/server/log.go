package server

import (
	"fmt"
	"io"
	"os"

	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// CopyLog writes to w what the command has written, stdout and stderr; with follow
// also what it will write, until it has ended. It returns at once when nobody reads w
// any more, with unix.EPIPE.
func CopyLog(w *os.File, p *shm.Process, follow bool) error {
	log, err := os.Open(p.LogPath())
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	defer log.Close()
	if !follow {
		_, err := io.Copy(w, log)
		return err
	}
	f, err := newFollower(p)
	if err != nil {
		return err
	}
	defer f.close()
	for {
		i, err := p.Look() // before the copy: it has all that was written then
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, log); err != nil || !i.Alive {
			return err
		}
		if err := f.await(w, p); err != nil {
			return err
		}
	}
}

// A follower waits for a process to write, or to end.
type follower struct {
	notify int // an inotify
	pidfd  int // of openLiving
}

func newFollower(p *shm.Process) (*follower, error) {
	notify, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch its log: %w", err)
	}
	f := &follower{notify: notify, pidfd: -1}
	if _, err := unix.InotifyAddWatch(notify, p.LogPath(), unix.IN_MODIFY); err != nil {
		f.close()
		return nil, fmt.Errorf("watch its log: %w", err)
	}
	if f.pidfd, err = openLiving(p); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// await returns when there is something new, or w has lost its reader: unix.EPIPE.
func (f *follower) await(w *os.File, p *shm.Process) (err error) {
	fds := []unix.PollFd{
		{Fd: int32(f.notify), Events: unix.POLLIN},
		{Fd: int32(f.pidfd), Events: unix.POLLIN},
		{Fd: int32(w.Fd())}, // POLLERR and POLLHUP are always watched
	}
	if _, err := proc.SlowPoll(fds, -1); err != nil {
		return err
	}
	if fds[2].Revents != 0 {
		return unix.EPIPE
	}
	var events [4096]byte // what they say does not matter
	_, _ = unix.Read(f.notify, events[:])
	if fds[1].Revents != 0 {
		unix.Close(f.pidfd)
		f.pidfd, err = openLiving(p)
	}
	return err
}

func (f *follower) close() {
	unix.Close(f.notify)
	if f.pidfd >= 0 {
		unix.Close(f.pidfd)
	}
}
