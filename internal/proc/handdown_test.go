package proc

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// note returns a file that holds text.
func note(t *testing.T, text string) int {
	t.Helper()
	fd, err := unix.MemfdCreate("mpx-test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := unix.Pwrite(fd, []byte(text), 0); err != nil {
		t.Fatal(err)
	}
	return fd
}

// readsAll is a script that prints what its descriptors fds hold.
func readsAll(fds ...int) string {
	var s strings.Builder
	for _, fd := range fds {
		fmt.Fprintf(&s, "cat /proc/$$/fd/%d 2>&1 || echo none;", fd)
	}
	return s.String()
}

// A child inherits what is handed down, under the number that is returned, and
// no longer when it has been taken back.
func TestHandDown(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	first, second := note(t, "first"), note(t, "second")
	a, err := HandDown(uintptr(first))
	if err != nil {
		t.Fatal(err)
	}
	b, err := HandDown(uintptr(second))
	if err != nil {
		t.Fatal(err)
	}
	if a < 100 || b < 100 || a == b {
		t.Errorf("numbers %d and %d", a, b)
	}
	c := f.sh(t, readsAll(a, b))
	if got := c.rest(t); got != "firstsecond" {
		t.Errorf("the child read %q", got)
	}
	c.wait(t)
	TakeBack(a)
	c = f.sh(t, readsAll(b)+fmt.Sprintf("[ -e /proc/$$/fd/%d ] || echo ' gone'", a))
	if got := c.rest(t); got != "second gone\n" {
		t.Errorf("the child read %q", got)
	}
	c.wait(t)
	TakeBack(b)
	if _, err := HandDown(1 << 20); err != unix.EBADF {
		t.Errorf("of a closed descriptor: %v", err)
	}
}

// Descriptors that this process has inherited reach the child, even those whose
// numbers come right after its three files'.
func TestStartKeepsInherited(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	const base = 60
	for i, text := range []string{1: "one", 2: "two", 3: "three"} {
		if i == 0 {
			continue
		}
		fd := note(t, text)
		if err := unix.Dup3(fd, base+i, 0); err != nil { // as if inherited
			t.Fatal(err)
		}
		defer unix.Close(base + i)
	}
	p := pipe(t)
	SetBlocking(p[1])
	if err := unix.Dup3(p[1], base, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	before := len(openFiles())
	pid, pidfd, err := Start(&Spec{
		Path: "/bin/sh", Argv: []string{"sh", "-c", readsAll(base+1, base+2, base+3)},
		Env: []string{"PATH=/bin:/usr/bin"}, Files: [3]int{int(f.leash.Fd()), base, base},
	})
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(pidfd)
	if after := len(openFiles()); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	unix.Close(base)
	if ws := reap(t, pid); ws != exited(0) {
		t.Errorf("status %#x", ws)
	}
	b := make([]byte, 100)
	if n, err := Read(p[0], b); string(b[:max(0, n)]) != "onetwothree" {
		t.Errorf("the child read %q, %v", b[:n], err)
	}
}

// What is dropped is closed, and no child inherits it.
func TestDropInherited(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	fd, err := HandDown(uintptr(note(t, "text")))
	if err != nil {
		t.Fatal(err)
	}
	DropInherited()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("it is still open: %v", err)
	}
}
