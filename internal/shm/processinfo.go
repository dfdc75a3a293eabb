package shm

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ProcessState is how far a process is.
type ProcessState uint32

// The states. A file has the first three.
const (
	ProcessStarting ProcessState = iota
	ProcessRunning
	ProcessEnded
	ProcessLost
)

func (s ProcessState) String() string {
	return [...]string{"starting", "running", "ended", "lost"}[s]
}

// A ProcessInfo is how a process is, at one time.
type ProcessInfo struct {
	State  ProcessState
	Alive  bool // the command runs, or is about to
	Keeper int  // pid
	PID    int  // of the command; 0: it does not run yet
	Status syscall.WaitStatus
	Since  time.Time // when it began to run, or to be started
	Until  time.Time // when it ended
}

// Text returns the state in words: running, exited 1, killed by SIGTERM, lost.
func (i *ProcessInfo) Text() string {
	switch {
	case i.State != ProcessEnded:
		return i.State.String()
	case !i.Status.Signaled():
		return "exited " + strconv.Itoa(i.Status.ExitStatus())
	}
	if name := unix.SignalName(i.Status.Signal()); name != "" {
		return "killed by " + name
	}
	return fmt.Sprintf("killed by signal %d", i.Status.Signal())
}

// Exitcode returns the status of the command, or −N after signal N, as Python has it;
// ok is false while it is not known.
func (i *ProcessInfo) Exitcode() (code int, ok bool) {
	switch {
	case i.State != ProcessEnded:
		return 0, false
	case i.Status.Signaled():
		return -int(i.Status.Signal()), true
	}
	return i.Status.ExitStatus(), true
}

// Look returns how the process is.
func (p *Process) Look() (i ProcessInfo, err error) {
	err = p.touching(func() (err error) {
		i, err = p.look()
		return err
	})
	return i, err
}

func (p *Process) look() (i ProcessInfo, err error) {
	kept, err := p.keeper().lives() // before the state: it writes the end, and then leaves
	i.State = ProcessState(p.uint32At(processState).Load())
	switch {
	case i.State > ProcessEnded:
		return i, ErrDamaged
	case i.State < ProcessEnded && err != nil:
		return i, err
	case i.State < ProcessEnded && !kept:
		i.State = ProcessLost
	}
	i.Keeper, i.PID = p.keeper().pid, p.command().pid
	if i.Alive = i.State < ProcessEnded; i.State == ProcessLost && i.PID != 0 {
		if i.Alive, err = p.command().lives(); err != nil {
			return i, err
		}
	}
	i.Status = syscall.WaitStatus(p.uint32At(processStatus).Load())
	i.Since = time.Unix(0, int64(p.uint64At(processSince).Load()))
	if i.PID == 0 {
		i.Since = p.Made()
	}
	i.Until = time.Unix(0, int64(p.uint64At(processUntil).Load()))
	return i, nil
}
