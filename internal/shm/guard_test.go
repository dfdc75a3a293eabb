package shm

import (
	"errors"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() { helpers["stop"] = helpStop }

// helpStop stops while it has the guard of the object that its arguments name, and ends
// when it has gone on.
func helpStop(args []string) error {
	d, err := OpenDir(args[0])
	if err != nil {
		return err
	}
	o, err := d.Open(args[1], 0)
	if err != nil {
		return err
	}
	defer o.Close()
	runtime.LockOSThread()
	// By this thread, which cannot go on before it is stopped.
	return o.guarded(func() error { return unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP) })
}

// stopped returns a process that has been stopped while it had the guard.
func stopped(t *testing.T, d *Dir, name string) *exec.Cmd {
	t.Helper()
	cmd, _ := start(t, d, "stop", name)
	var ws unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &ws, unix.WUNTRACED, nil); err != nil || !ws.Stopped() {
		t.Fatalf("the helper did not stop: %v, %x", err, ws)
	}
	return cmd
}

// patient has the guard's times be these until the test ends.
func patient(t *testing.T, patience, grace, notice time.Duration) {
	p, g, n := guardPatience, guardGrace, guardNotice
	guardPatience, guardGrace, guardNotice = patience, grace, notice
	t.Cleanup(func() { guardPatience, guardGrace, guardNotice = p, g, n })
}

// Who waits has a limit, and a process is stopped in the midst of a change: the limit
// holds, whatever he does, and the error says who that process is.
func TestStoppedInGuard(t *testing.T) {
	patient(t, time.Hour, time.Hour, time.Hour)
	d := testDir(t)
	soon := WaitFor(time.Millisecond)
	for name, do := range map[string]func(d *Dir) error{
		"lock": func(d *Dir) error { _, err := d.AcquireLock("lock", soon); return err },
		"barrier": func(d *Dir) error {
			return withBarrier(d, func(b *Barrier) error { _, err := b.Wait(unix.Getpid(), soon); return err })
		},
		"state": func(d *Dir) error {
			return withBarrier(d.Within(soon), func(b *Barrier) error { _, _, err := b.State(); return err })
		},
		"parties": func(d *Dir) error {
			return withBarrier(d.Within(Once()), func(b *Barrier) error { _, err := b.Parties(); return err })
		},
		"remove": func(d *Dir) error { return d.Within(WaitFor(0)).Remove("barrier") },
		"table": func(d *Dir) error {
			table, err := d.OpenTable("table", KindQueue, nil)
			if err != nil {
				return err
			}
			defer table.Close()
			return table.Change(soon, func(*Change) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := d.AcquireLock("lock", Wait{})
			noError(t, err)
			noError(t, l.Close())
			noError(t, withBarrier(d, func(*Barrier) error { return nil }))
			if table, err := d.MakeTable("table", KindQueue, 1, [TableWords]uint64{}, ""); err == nil {
				noError(t, table.Close())
			}
			object := map[string]string{"state": "barrier", "parties": "barrier", "remove": "barrier"}[name]
			if object == "" {
				object = name
			}
			cmd := stopped(t, d, object)
			var busy *BusyError
			if err := do(d); !errors.As(err, &busy) || !errors.Is(err, ErrTimeout) {
				t.Error(err)
			} else if name != "parties" && (busy.PID != cmd.Process.Pid || !busy.Stopped) {
				t.Errorf("%+v, not process %d", busy, cmd.Process.Pid)
			}
			killed(t, cmd)
			noError(t, withBarrier(d, func(b *Barrier) error { return b.Reset() })) // the guard is free
		})
	}
}

func withBarrier(d *Dir, do func(*Barrier) error) error {
	b, err := d.OpenBarrier("barrier", 2)
	if err != nil {
		return err
	}
	defer b.Close()
	return do(b)
}

// Who has no limit of his own, and is not there to wait, is patient, and then fails; that
// is no ErrTimeout. Nor is it one that the holder might go on.
func TestGuardPatience(t *testing.T) {
	patient(t, time.Millisecond, time.Millisecond, time.Hour)
	d := testDir(t)
	noError(t, withBarrier(d, func(*Barrier) error { return nil }))
	cmd := stopped(t, d, "barrier")
	defer killed(t, cmd)
	var busy *BusyError
	if err := withBarrier(d, func(b *Barrier) error { return b.Reset() }); !errors.As(err, &busy) || errors.Is(err, ErrTimeout) || busy.PID != cmd.Process.Pid {
		t.Errorf("%v, %+v", err, busy)
	}
}

// Another goroutine has the guard, and may be slow: it is waited for a moment more, and
// not for ever.
func TestGuardWithinProcess(t *testing.T) {
	patient(t, time.Hour, time.Millisecond, time.Hour)
	d := testDir(t)
	noError(t, withBarrier(d, func(b *Barrier) error {
		in, out := make(chan bool), make(chan bool)
		done := make(chan error)
		go func() { done <- b.guarded(func() error { in <- true; <-out; return nil }) }()
		<-in
		var busy *BusyError
		if err := b.guardedWithin(WaitFor(0), func() error { return nil }); !errors.As(err, &busy) || busy.PID != unix.Getpid() || busy.Stopped {
			t.Errorf("%v, %+v", err, busy)
		}
		out <- true
		noError(t, <-done)
		return b.guardedWithin(WaitFor(0), func() error { return nil })
	}))
}

// Who waits for ever says whom for, once, and goes on when that does.
func TestGuardNotice(t *testing.T) {
	patient(t, time.Hour, time.Hour, time.Millisecond)
	d := testDir(t)
	noError(t, withBarrier(d, func(*Barrier) error { return nil }))
	cmd := stopped(t, d, "barrier")
	told := make(chan *BusyError, 2)
	OnBusy(func(name string, busy *BusyError) {
		if name == "barrier" {
			told <- busy
		}
	})
	defer func() { onBusy = func(string, *BusyError) {} }()
	done := make(chan error)
	go func() {
		done <- withBarrier(d.Within(Wait{}), func(b *Barrier) error { return b.Reset() })
	}()
	if busy := <-told; busy.PID != cmd.Process.Pid || !busy.Stopped {
		t.Errorf("%+v", busy)
	}
	select {
	case err := <-done:
		t.Error("it is over while the other is stopped: ", err)
	default:
	}
	noError(t, cmd.Process.Signal(unix.SIGCONT))
	noError(t, <-done)
	noError(t, cmd.Wait())
	if len(told) > 0 {
		t.Error("it is told twice")
	}
}
