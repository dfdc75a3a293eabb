package shm

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An InUseError says that a file which is to go, as it is of no use here, is open all the
// same.
type InUseError struct {
	Why  string // it is to go
	PIDs []int  // as far as they can be seen
}

func (e *InUseError) Error() string {
	by := "processes that cannot be seen from here"
	if len(e.PIDs) > 0 {
		by = "process " + strings.Trim(strings.ReplaceAll(fmt.Sprint(e.PIDs), " ", ", "), "[]")
	}
	return e.Why + ", but in use by " + by
}

// Hint returns the remedy.
func (e *InUseError) Hint() string { return "it can go when they have ended" }

const (
	ofOtherBoot = "it is of another boot of the machine, as it is seen from here"
	damaged     = "its file is damaged"
)

// errGoing says that another process is about to remove the file.
var errGoing = errors.New("it is just being removed")

// use has others see that o is in use, as long as its file is open here or in a process
// that inherits it. errGoing: it is not o that has the name, or not for long.
func (o *Object) use() error {
	err := o.lockByte(useByte, unix.F_RDLCK, false)
	if errors.Is(err, unix.EAGAIN) || err == nil && o.removed() {
		return errGoing
	}
	if err != nil {
		return fmt.Errorf("lock its file: %w", err)
	}
	return nil
}

// claim makes f this process's alone, to remove it, for why. errGoing: another does just
// that. An *InUseError: it is in use.
func claim(f *os.File, why string) error {
	err := setLock(f.Fd(), useByte, unix.F_WRLCK, false)
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("lock its file: %w", err)
	}
	lk := unix.Flock_t{Type: unix.F_WRLCK, Start: useByte, Len: 1}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lk); err != nil {
		return fmt.Errorf("look at the locks of its file: %w", err)
	}
	if lk.Type != unix.F_RDLCK {
		return errGoing
	}
	return &InUseError{why, lockers(f, useByte)}
}

// untilSettled calls f until it does not come upon what another is just removing, which
// takes as long as a change does, or upon one in use by nobody to be seen: by a process
// that is just ending, as often as not, or is between fork and exec.
func untilSettled[T any](w Wait, f func() (T, error)) (T, error) {
	for begin, pause := time.Now(), guardFirst; ; pause = min(2*pause, guardLast) {
		v, err := f()
		_, over := w.left()
		late := time.Since(begin) >= guardGrace
		var used *InUseError
		switch {
		case errors.Is(err, errGoing) && !(over && late):
		case errors.As(err, &used) && len(used.PIDs) == 0 && !late:
		default:
			return v, err
		}
		_ = unix.Nanosleep(&unix.Timespec{Nsec: int64(pause)}, nil)
	}
}

// lockers returns the processes that have a lock on a byte of f, as far as the caller may
// look into them.
func lockers(f *os.File, at int64) (pids []int) {
	var st unix.Stat_t
	procs, err := os.ReadDir("/proc")
	if err != nil || unix.Fstat(int(f.Fd()), &st) != nil {
		return nil
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		if has, _ := hasLock(p.Name(), st.Ino, at); has {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hasLock reports whether one of the descriptors of the process pid has a lock on that
// byte of a file. What the kernel says of a descriptor's locks has the file's inode; its
// path is that of the directory for who made the file.
func hasLock(pid string, inode uint64, at int64) (bool, error) {
	dir := "/proc/" + pid + "/fdinfo/"
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, fd := range fds {
		info, err := contentOf(dir + fd.Name())
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return false, err
		}
		for line := range strings.Lines(string(info)) {
			if strings.HasPrefix(line, "lock:") && covers(strings.Fields(line), inode, at) {
				return true, nil
			}
		}
	}
	return false, nil
}

// covers reports whether a line on a lock says that it is on that byte of that file:
//
//	lock: 1: OFDLCK ADVISORY WRITE -1 00:1b:1234 1099511627776 1099511627777
//
// Bytes beside each other that have the same lock are one.
func covers(f []string, inode uint64, at int64) bool {
	if len(f) < 3 || !slices.ContainsFunc(f, func(s string) bool { return strings.HasSuffix(s, ":"+strconv.FormatUint(inode, 10)) }) {
		return false
	}
	from, err1 := strconv.ParseInt(f[len(f)-2], 10, 64)
	to, err2 := strconv.ParseInt(f[len(f)-1], 10, 64)
	if f[len(f)-1] == "EOF" {
		to, err2 = at, nil
	}
	return err1 == nil && err2 == nil && from <= at && at <= to
}
