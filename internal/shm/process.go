package shm

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRunning is the error of who removes a process that runs (Python: "Cannot close
// a process while it is still running").
var ErrRunning = errors.New("it is running")

// A Process is the record of a named process: of a command, and of its keeper, which
// has started it, waits for it, and alone writes here what becomes of it.
//
//	starting ──the command runs──▶ running ──it ends──▶ ended
//	    └──it cannot be run: the name is taken away
//
// A keeper that is killed leaves starting or running behind. That is lost, which
// nobody writes, and everybody sees by the keeper's identity.
//
//	64  state (u32)                 72  start of the keeper (u64)
//	68  pid of the keeper (u32)     80  start of the command (u64)
//	88  pid of the command (u32)    96  since when it runs (ns since 1970, u64)
//	92  its wait status (u32)      104  when it ended (ns since 1970, u64)
//
// From 8192 on stand the words of the command, a NUL behind each. State is stored
// last. Nobody sleeps on it: a pidfd of the keeper tells of the end as well, and of a
// keeper's that is killed.
type Process struct{ *Object }

const (
	processState   = ownOffset
	processKeeper  = ownOffset + 4
	processCommand = ownOffset + 24
	processStatus  = ownOffset + 28
	processSince   = ownOffset + 32
	processUntil   = ownOffset + 40

	keeperStart  = ownOffset + 8
	commandStart = ownOffset + 16
)

// MakeProcess makes the record of a process whose command has these words, and whose
// keeper is the caller. It is starting.
func (d *Dir) MakeProcess(name string, words []string) (*Process, error) {
	keeper, err := me()
	if err != nil {
		return nil, err
	}
	text := strings.Join(words, "\x00") + "\x00"
	o, err := d.Make(name, KindProcess, len(text), func(o *Object) {
		o.uint32At(processKeeper).Store(uint32(keeper.pid))
		o.uint64At(keeperStart).Store(keeper.start)
		copy(o.b[dataOffset:], text)
	})
	if err != nil {
		return nil, err
	}
	return &Process{o}, nil
}

// OpenProcess opens the record of the process name.
func (d *Dir) OpenProcess(name string) (*Process, error) {
	o, err := d.Open(name, KindProcess)
	if err != nil {
		return nil, err
	}
	return &Process{o}, nil
}

// Began says that the command runs, as pid, a child of the caller that has not been
// reaped.
func (p *Process) Began(pid int) error {
	f, err := statOf(pid) // it may have ended
	if err != nil {
		return err
	}
	command, err := identityIn(pid, f)
	if err != nil {
		return err
	}
	return p.touching(func() error {
		p.uint64At(commandStart).Store(command.start)
		p.uint32At(processCommand).Store(uint32(pid))
		p.uint64At(processSince).Store(uint64(time.Now().UnixNano()))
		p.uint32At(processState).Store(uint32(ProcessRunning))
		return nil
	})
}

// End says how the command has ended.
func (p *Process) End(ws syscall.WaitStatus) error {
	return p.touching(func() error {
		p.uint32At(processStatus).Store(uint32(ws))
		p.uint64At(processUntil).Store(uint64(time.Now().UnixNano()))
		p.uint32At(processState).Store(uint32(ProcessEnded))
		return nil
	})
}

// Discard takes the name away from a process whose command could not be run.
func (p *Process) Discard() error { return p.unlink() }

func (p *Process) keeper() identity {
	return identity{int(p.uint32At(processKeeper).Load()), p.uint64At(keeperStart).Load()}
}

func (p *Process) command() identity {
	return identity{int(p.uint32At(processCommand).Load()), p.uint64At(commandStart).Load()}
}

// mayGo returns ErrRunning if the process may not be removed. The guard must be held.
func (p *Process) mayGo() error {
	i, err := p.look()
	switch {
	case errors.Is(err, ErrDamaged): // it may go
		return nil
	case i.Alive:
		return ErrRunning
	}
	return err
}

// OpenKeeper returns a pidfd of the keeper, close-on-exec; −1: it is gone.
func (p *Process) OpenKeeper() (fd int, err error) { return p.open(p.keeper) }

// OpenCommand returns a pidfd of the command, close-on-exec; −1: it is gone, or does
// not run yet.
func (p *Process) OpenCommand() (fd int, err error) { return p.open(p.command) }

func (p *Process) open(who func() identity) (fd int, err error) {
	err = p.touching(func() (err error) {
		fd, err = who().open()
		return err
	})
	return fd, err
}

// open returns a pidfd of the process; −1: it has ended.
func (id identity) open() (fd int, err error) {
	if id.pid == 0 {
		return -1, nil
	}
	fd, err = unix.PidfdOpen(id.pid, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return -1, nil
	case err != nil:
		return -1, fmt.Errorf("watch process %d: %w", id.pid, err)
	}
	lives, err := id.lives()
	if err != nil || !lives { // it is another's number now
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Words returns the command.
func (p *Process) Words() (words []string, err error) {
	err = p.touching(func() error {
		words = strings.Split(strings.TrimSuffix(string(p.b[dataOffset:]), "\x00"), "\x00")
		return nil
	})
	return words, err
}

// LogPath returns the file that has what the command has written. It goes with the
// name.
func (p *Process) LogPath() string { return p.dir.logFile(p.Name) }

// logFile returns the path of the log of the process name: no name of an object.
func (d *Dir) logFile(name string) string { return d.file("." + name + ".log") }
