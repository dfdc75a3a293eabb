package server

import (
	"errors"
	"syscall"
	"time"

	"mpx/internal/proc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// errLost is the error of a process whose keeper was killed: what became of the
// command, nobody has seen.
var errLost = errors.New("its keeper was killed: how its command ended is not known")

var errNeverRan = errors.New("its command has never run")

// Lost returns the error of a process that has ended so that nobody knows how.
func Lost(i *shm.ProcessInfo) error {
	if i.PID == 0 {
		return errNeverRan // its keeper was killed, or has taken the name away again
	}
	return errLost
}

// Join waits until the process has ended, and returns how. shm.ErrTimeout: w was over
// first. Another error: its keeper was killed; the command has ended all the same.
func Join(p *shm.Process, w shm.Wait) (shm.ProcessInfo, error) {
	for {
		i, err := p.Look()
		switch {
		case err != nil:
			return i, err
		case i.State == shm.ProcessEnded:
			return i, nil
		case !i.Alive:
			return i, Lost(&i)
		}
		if err := awaitAny([]*shm.Process{p}, w); err != nil {
			return i, err
		}
	}
}

// WaitAny waits until one of the processes has ended, and returns which has first.
// One whose keeper was killed counts, as the last. shm.ErrTimeout: w was over.
func WaitAny(all []*shm.Process, w shm.Wait) (*shm.Process, error) {
	for {
		var first *shm.Process
		var when time.Time
		for _, p := range all {
			i, err := p.Look()
			if err != nil {
				return nil, err
			}
			if i.State == shm.ProcessLost {
				i.Until = time.Now()
			}
			if !i.Alive && (first == nil || i.Until.Before(when)) {
				first, when = p, i.Until
			}
		}
		if first != nil {
			return first, nil
		}
		if err := awaitAny(all, w); err != nil {
			return nil, err
		}
	}
}

// awaitAny waits until something has changed with one of the processes: its keeper
// has left, or, if that was killed, its command. In that way nobody looks again and
// again, and no wake-up can be missed.
func awaitAny(all []*shm.Process, w shm.Wait) error {
	var pidfds []int
	defer func() {
		for _, fd := range pidfds {
			unix.Close(fd)
		}
	}()
	for _, p := range all {
		fd, err := openLiving(p)
		if fd < 0 || err != nil {
			return err
		}
		pidfds = append(pidfds, fd)
	}
	return await(pidfds, w)
}

// openLiving returns a pidfd of the keeper, or, if that was killed, of the command; −1:
// both have ended.
func openLiving(p *shm.Process) (fd int, err error) {
	fd, err = p.OpenKeeper()
	if err == nil && fd < 0 {
		fd, err = p.OpenCommand()
	}
	return fd, err
}

// await waits until one of the processes behind pidfds has ended. shm.ErrTimeout: w
// was over first.
func await(pidfds []int, w shm.Wait) error {
	var fds []unix.PollFd
	for _, fd := range pidfds {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	for {
		left := w.Left()
		n, err := proc.SlowPoll(fds, left)
		switch {
		case n > 0 || err != nil:
			return err
		case left == 0:
			return shm.ErrTimeout
		}
	}
}

// Terminate sends SIGTERM to the command and all that it has started. One that has
// ended is no error.
func Terminate(p *shm.Process) error { return order(p, unix.SIGTERM, unix.SIGTERM) }

// Kill kills the command and all that it has started. One that has ended is no error.
func Kill(p *shm.Process) error { return order(p, killSignal, unix.SIGKILL) }

// order sends toKeeper to the keeper: it alone knows what is of its process, and
// cannot meet another's pid. If it was killed and the command lives (a set-uid one,
// say), that and its group get sig.
func order(p *shm.Process, toKeeper, sig syscall.Signal) error {
	fd, err := p.OpenKeeper()
	if err == nil && fd < 0 {
		return orderCommand(p, sig)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unlessGone(unix.PidfdSendSignal(fd, toKeeper, nil, 0))
}

func orderCommand(p *shm.Process, sig syscall.Signal) error {
	fd, err := p.OpenCommand()
	if fd < 0 || err != nil {
		return err
	}
	defer unix.Close(fd)
	i, err := p.Look()
	if err == nil {
		err = unlessGone(unix.Kill(-i.PID, sig))
	}
	return err
}

func unlessGone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}
