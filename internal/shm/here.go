package shm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// An UnknownError says what about this machine or its processes cannot be found out.
// Whatever would rest on it is not done.
type UnknownError struct {
	What string // "which boot of the machine this is"
	Err  error

	hidden bool // it is of a process that there is
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("it cannot be told %s: %v", e.What, e.Err)
}

func (e *UnknownError) Unwrap() error { return e.Err }

// Hint returns the remedy.
func (e *UnknownError) Hint() string {
	switch {
	case errors.Is(e.Err, unix.EMFILE), errors.Is(e.Err, unix.ENFILE):
		return tooFewFiles
	case e.hidden:
		return "mount -o remount,hidepid=0 /proc shows it, or be of the group that the gid= of /proc names"
	case errors.Is(e.Err, unix.ENOENT), errors.Is(e.Err, errForeignProc):
		return "mount all of /proc here: mount -t proc proc /proc"
	}
	return "see that /proc can be read here"
}

const tooFewFiles = "let it open more files: ulimit -n 64"

var errForeignProc = errors.New("/proc is that of another PID namespace")

// A place is where pids and the times at which processes have started mean something: a
// boot of the machine, a PID namespace and a time namespace.
type place struct {
	boot      [16]byte
	pid, time uint64
}

// here is the place of this process.
var here = sync.OnceValues(func() (p place, err error) {
	if p.boot, err = bootID(); err != nil {
		return p, &UnknownError{What: "which boot of the machine this is", Err: err}
	}
	if err = ownProc(); err == nil {
		p.pid, err = namespace("pid")
	}
	if err != nil {
		return p, &UnknownError{What: "which PID namespace this is", Err: err}
	}
	if p.time, err = namespace("time"); err != nil {
		return p, &UnknownError{What: "which time namespace this is", Err: err}
	}
	return p, nil
})

// bootID identifies this run of the machine: what is of another is a leftover.
func bootID() (id [16]byte, err error) {
	const path = "/proc/sys/kernel/random/boot_id"
	text, err := contentOf(path)
	if err != nil {
		return id, err
	}
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(string(text)), "-", ""))
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("read %s: %q is none", path, text)
	}
	return [16]byte(b), nil
}

// ownProc checks that /proc tells of the processes that this one's pids name.
func ownProc() error {
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return err
	}
	if self != strconv.Itoa(unix.Getpid()) {
		return errForeignProc
	}
	return nil
}

// namespace identifies a namespace of this process. No two that are at the same time
// have the same number; 0: the kernel knows no such namespaces, and all are in one.
func namespace(kind string) (uint64, error) {
	const all = "/proc/self/ns"
	var st, dir unix.Stat_t
	err := unix.Stat(all+"/"+kind, &st)
	if errors.Is(err, unix.ENOENT) && unix.Stat(all, &dir) == nil {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at %s/%s: %w", all, kind, err)
	}
	return st.Ino, nil
}
