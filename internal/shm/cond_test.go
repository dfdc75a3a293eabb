package shm

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hold takes the lock of name as mpx lock does, and returns its descriptor.
func hold(t *testing.T, d *Dir, name string) int {
	t.Helper()
	o, err := d.OpenOrMake(name, KindLock, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	fd, err := unix.Open(d.file(name), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := setLock(uintptr(fd), lockByte, unix.F_WRLCK, true); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestCondWithoutLock(t *testing.T) {
	d := testDir(t)
	if _, err := d.OpenCond("c"); !errors.Is(err, ErrNotHeld) {
		t.Errorf("%v", err)
	}
	fd := hold(t, d, "c")
	c, err := d.OpenCond("c")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Notify(3); n != 0 || err != nil {
		t.Errorf("nobody waits: %d, %v", n, err)
	}
	if err := c.Wait(os.Getpid(), WaitFor(10*time.Millisecond)); !errors.Is(err, ErrTimeout) {
		t.Errorf("nobody notifies: %v", err)
	}
	if c.lockFree(int(c.f.Fd())) || !c.lockFree(fd) {
		t.Error("the lock is not held after the wait")
	}
}

// helpCond holds the lock c by descriptor 3 and waits for its condition.
func helpCond(args []string) error {
	d, err := OpenDir(args[0])
	if err != nil {
		return err
	}
	if err := setLock(uintptr(3), lockByte, unix.F_WRLCK, true); err != nil {
		return err
	}
	c, err := d.OpenCond("c")
	if err != nil {
		return err
	}
	return c.Wait(os.Getpid(), Wait{})
}

// sleepers starts n processes that wait for the condition c.
func sleepers(t *testing.T, d *Dir, n int) (cmds []*exec.Cmd) {
	t.Helper()
	for i := range n {
		f, err := os.OpenFile(d.file("c"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		h := helper(t, f, "cond", d.Path())
		if err := h.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, h)
		asleep(t, d, i+1)
	}
	return cmds
}

func asleep(t *testing.T, d *Dir, want int) {
	t.Helper()
	o, err := d.Open("c", KindLock)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	eventually(t, "processes asleep", func() bool {
		list, err := o.Parties()
		n := 0
		for _, p := range list {
			if p.Role == Sleeps {
				n++
			}
		}
		return err == nil && n == want
	})
}

// Exactly n are woken, the longest waiting first; those that have been killed do
// not count, and the rest sleeps on.
func TestCondNotify(t *testing.T) {
	d := testDir(t)
	fd := hold(t, d, "c")
	if err := setLock(uintptr(fd), lockByte, unix.F_UNLCK, true); err != nil {
		t.Fatal(err)
	}
	cmds := sleepers(t, d, 5)
	_ = cmds[1].Process.Kill()
	if ws := waitStatus(cmds[1]); ws.Signal() != syscall.SIGKILL {
		t.Fatalf("%v", ws)
	}
	notify := func(n, want int) {
		t.Helper()
		if err := setLock(uintptr(fd), lockByte, unix.F_WRLCK, true); err != nil {
			t.Fatal(err)
		}
		c, err := d.OpenCond("c")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := c.Notify(n); got != want || err != nil {
			t.Errorf("notify %d: %d, %v", n, got, err)
		}
		if err := setLock(uintptr(fd), lockByte, unix.F_UNLCK, true); err != nil {
			t.Fatal(err)
		}
	}
	notify(2, 2)
	for _, i := range []int{0, 2} {
		if ws := waitStatus(cmds[i]); ws.ExitStatus() != 0 {
			t.Errorf("sleeper %d: %v", i, ws)
		}
	}
	asleep(t, d, 2)
	notify(9, 2)
	for _, i := range []int{3, 4} {
		if ws := waitStatus(cmds[i]); ws.ExitStatus() != 0 {
			t.Errorf("sleeper %d: %v", i, ws)
		}
	}
	notify(1, 0)
}

func waitStatus(c *exec.Cmd) syscall.WaitStatus {
	_ = c.Wait()
	return c.ProcessState.Sys().(syscall.WaitStatus)
}
