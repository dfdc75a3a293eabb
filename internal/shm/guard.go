package shm

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The guard is held for microseconds, unless its holder is stopped, or hardly runs.
var (
	// guardPatience is how long those wait for it who have no time limit of their own and
	// need not wait for anything else.
	guardPatience = 10 * time.Second
	// guardGrace is how long everybody waits, however short his time is: that of a process
	// which has the guard, and a processor not at once, is no reason to say no.
	guardGrace = time.Second
	// guardNotice is after what time who waits for ever says so.
	guardNotice = time.Second
)

const (
	// guardLook is after what time somebody looks who has the guard: that takes as long as
	// many a change.
	guardLook = 20 * time.Millisecond
	// Who has a limit tries again and again, at first after guardFirst.
	guardFirst = 50 * time.Microsecond
	guardLast  = 10 * time.Millisecond
)

// A BusyError says that another process is in the midst of a change for longer than one
// could wait. It is an ErrTimeout if the limit was the caller's own.
type BusyError struct {
	PID     int  // 0: it cannot be seen
	Stopped bool // it does not run, by ^Z or SIGSTOP

	limit bool // it was the caller's own
}

func (e *BusyError) Error() string {
	switch {
	case e.PID == 0:
		return "another process is changing it, and does not come to an end"
	case e.Stopped:
		return fmt.Sprintf("process %d was stopped while it was changing it", e.PID)
	}
	return fmt.Sprintf("process %d is changing it, and does not come to an end", e.PID)
}

// Hint returns the remedy.
func (e *BusyError) Hint() string {
	if e.PID == 0 {
		return "once it has gone on, or has ended, so do others; nothing is lost"
	}
	return fmt.Sprintf("kill -CONT %d has it go on; kill -9 %[1]d ends it, and nothing is lost", e.PID)
}

// Is has the end of the caller's own time be an ErrTimeout.
func (e *BusyError) Is(target error) bool { return e.limit && target == ErrTimeout }

// Within is d, whose objects wait for their guards no longer than w, where an operation
// has no Wait of its own. Without it that is some seconds, and then a *BusyError.
func (d *Dir) Within(w Wait) *Dir { return &Dir{d.path, d.label, &w} }

// Patience returns how long o's guard is waited for where nobody has said it.
func (o *Object) Patience() Wait { return o.dir.patience() }

func (d *Dir) patience() Wait {
	if d.within != nil {
		return *d.within
	}
	w := WaitFor(guardPatience)
	w.general = true
	return w
}

// guarded calls f while nobody else changes o. The lock is the kernel's and goes
// with this process, so f must leave o sound between any two stores.
func (o *Object) guarded(f func() error) error { return o.guardedWithin(o.Patience(), f) }

// guardedWithin is guarded, and waits no longer than w. *BusyError: that was not enough.
func (o *Object) guardedWithin(w Wait, f func() error) error {
	if err := o.guard(w); err != nil {
		return err
	}
	defer o.unguard()
	if o.removed() {
		return ErrRemoved
	}
	return o.touching(f)
}

// ifUnguarded calls f as guarded does, or not at all while another has the guard.
func (o *Object) ifUnguarded(f func() error) error {
	if err := o.tryGuard(); err != nil {
		return err
	}
	defer o.unguard()
	return o.touching(f)
}

func (o *Object) guard(w Wait) error {
	err := o.tryGuard()
	switch {
	case !errors.Is(err, unix.EAGAIN):
	case !w.limited:
		err = o.queueForGuard()
	case w.once:
		return &BusyError{limit: true}
	default:
		err = o.pollGuard(w)
	}
	var busy *BusyError
	if err != nil && !errors.As(err, &busy) {
		err = fmt.Errorf("guard its file: %w", err)
	}
	return err
}

// tryGuard takes the guard. unix.EAGAIN: another has it, also within this process.
func (o *Object) tryGuard() error {
	if !o.mu.TryLock() {
		return unix.EAGAIN
	}
	err := o.lockByte(guardByte, unix.F_WRLCK, false)
	if err != nil {
		o.mu.Unlock()
	}
	return err
}

func (o *Object) unguard() {
	_ = o.lockByte(guardByte, unix.F_UNLCK, true) // an error: it is our own lock
	o.mu.Unlock()
}

// queueForGuard waits in the kernel's queue, which has no time limit, and lets a contended
// guard pass from one to the next at once.
func (o *Object) queueForGuard() error {
	told := make(chan struct{})
	notice := time.AfterFunc(guardNotice, func() {
		defer close(told)
		onBusy(o.dir.label+o.Name, o.busy())
	})
	defer func() {
		if !notice.Stop() {
			<-told // it looks at o
		}
	}()
	o.mu.Lock()
	err := o.lockByte(guardByte, unix.F_WRLCK, true)
	if err != nil {
		o.mu.Unlock()
	}
	return err
}

// pollGuard tries again and again until w is over, and then as long as its holder may
// be one that just has no processor. A thread in the kernel's queue, as a lock's limited
// wait has one, would cost more than most waits here last, and could not be called back.
func (o *Object) pollGuard(w Wait) error {
	begin := time.Now()
	for pause := guardFirst; ; pause = min(2*pause, guardLast) {
		ts := unix.NsecToTimespec(int64(pause))
		_ = unix.Nanosleep(&ts, nil) // not the runtime's, which would open files for it
		if err := o.tryGuard(); !errors.Is(err, unix.EAGAIN) {
			return err
		}
		waited := time.Since(begin)
		if time.Until(w.until) > 0 || waited < guardLook {
			continue
		}
		if busy := o.busy(); busy.Stopped || waited >= guardGrace {
			busy.limit = !w.general
			return busy
		}
	}
}

// busy tells who has the guard, as far as that can be seen.
func (o *Object) busy() *BusyError {
	for _, pid := range lockers(o.f, guardByte) {
		f, err := statOf(pid)
		return &BusyError{PID: pid, Stopped: err == nil && slices.Contains([]string{"T", "t"}, string(f[0]))}
	}
	return &BusyError{}
}

// OnBusy has tell told, once, of an object that this process waits for without a limit
// because another is in the midst of changing it. It is for people.
func OnBusy(tell func(name string, busy *BusyError)) {
	var once sync.Once
	onBusy = func(name string, busy *BusyError) { once.Do(func() { tell(name, busy) }) }
}

var onBusy = func(string, *BusyError) {}

// lockByte sets the kernel's lock on a byte of o's file. unix.EAGAIN: another has
// it, and wait is false.
func (o *Object) lockByte(at int64, kind int16, wait bool) error {
	return setLock(o.f.Fd(), at, kind, wait)
}

func setLock(fd uintptr, at int64, kind int16, wait bool) error {
	cmd := unix.F_OFD_SETLK
	if wait {
		cmd = unix.F_OFD_SETLKW
	}
	for {
		err := unix.FcntlFlock(fd, cmd, &unix.Flock_t{Type: kind, Start: at, Len: 1})
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EACCES): // as good as the other
			return unix.EAGAIN
		default:
			return err
		}
	}
}
