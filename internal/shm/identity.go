package shm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// errNoProcess is the error of who looks for a process that has ended, or never was.
var errNoProcess = errors.New("there is no such process")

// An identity is a process: pids come again, so when it started belongs to it. That is
// as this time namespace has it.
type identity struct {
	pid   int
	start uint64 // clock ticks since the machine's start
}

// identityOf returns the identity of pid. errNoProcess: there is no such process, or it
// has ended. An *UnknownError: that cannot be told.
func identityOf(pid int) (identity, error) {
	f, err := statOf(pid)
	if err != nil {
		return identity{}, err
	}
	if ended(f) {
		return identity{}, errNoProcess
	}
	return identityIn(pid, f)
}

// identityIn is the identity of pid by what statOf has told, also of one that has ended
// and is to be reaped.
func identityIn(pid int, stat [][]byte) (identity, error) {
	start, err := strconv.ParseUint(string(stat[19]), 10, 64)
	if err != nil {
		return identity{}, &UnknownError{What: fmt.Sprintf("when process %d has started", pid), Err: err}
	}
	return identity{pid, start}, nil
}

func ended(stat [][]byte) bool { return stat[0][0] == 'Z' || stat[0][0] == 'X' }

// me is the identity of this process. Who has a Dir knows it.
var me = sync.OnceValues(func() (identity, error) {
	id, err := identityOf(unix.Getpid())
	if errors.Is(err, errNoProcess) { // a /proc that is another's
		err = &UnknownError{What: "when this process has started", Err: err}
	}
	return id, err
})

// parentOf returns the parent of pid; 0: it is none that can be seen from here, or pid
// has ended.
func parentOf(pid int) (int, error) {
	f, err := statOf(pid)
	if errors.Is(err, errNoProcess) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	ppid, _ := strconv.Atoi(string(f[1]))
	return ppid, nil
}

// statOf returns what /proc tells of pid, from its state on. errNoProcess: there is no
// such process. An *UnknownError: there is, and /proc does not tell of it.
func statOf(pid int) ([][]byte, error) {
	b, err := contentOf("/proc/" + strconv.Itoa(pid) + "/stat")
	// The name, in parentheses, may hold anything; what follows its last ) not.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	switch {
	case err == nil && len(f) >= 20:
		return f, nil
	case errors.Is(unix.Kill(pid, 0), unix.ESRCH):
		return nil, errNoProcess
	case err == nil:
		err = fmt.Errorf("%q in its stat", b)
	}
	hidden := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)
	return nil, &UnknownError{fmt.Sprintf("how process %d is", pid), err, hidden}
}

// contentOf returns what a small file of /proc says. It is not os.ReadFile, which makes
// ready to wait for it, and takes a short command longer than all else it does with an
// object.
func contentOf(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	b := make([]byte, 1024)
	n, err := unix.Read(fd, b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b[:n], nil
}

// lives reports whether the process still is one. An *UnknownError: that cannot be told.
func (id identity) lives() (bool, error) {
	now, err := identityOf(id.pid)
	if errors.Is(err, errNoProcess) {
		return false, nil
	}
	return err == nil && now == id, err
}

// awaits reports whether the process has ended, and is still to be reaped by reaper. If
// that has ended, it is another's to do.
func (id identity) awaits(reaper int) (bool, error) {
	f, err := statOf(id.pid)
	if errors.Is(err, errNoProcess) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	was, err := identityIn(id.pid, f)
	return err == nil && was == id && f[0][0] == 'Z' && string(f[1]) == strconv.Itoa(reaper), err
}
