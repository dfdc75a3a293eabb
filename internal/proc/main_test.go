package proc

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// aloneVar, when set, makes the test binary the process in which a test
	// that reaps children runs: see alone.
	aloneVar = "MPX_PROC_TEST_ALONE"
	// helperVar, when set, makes it a helper: its value names it.
	helperVar = "MPX_PROC_TEST_HELPER"

	patience = 20 * time.Second // with anything that is bound to happen
)

// helpers are programs that the tests start. An error is printed and gives
// exit status 1.
var helpers = map[string]func(args []string) error{
	"start":  helpStart,
	"client": helpClient,
}

var usedHelpers sync.Map

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVar); name != "" {
		if err := helpers[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	before := openFiles()
	code := m.Run()
	for fd, to := range openFiles() {
		if before[fd] != to {
			fmt.Fprintf(os.Stderr, "descriptor %s is left open: %s\n", fd, to)
			code = 1
		}
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		fmt.Fprintln(os.Stderr, "a child is left")
		code = 1
	}
	for name := range helpers {
		if _, used := usedHelpers.Load(name); !used && allTestsRan() {
			fmt.Fprintln(os.Stderr, "no test uses helper", name)
			code = 1
		}
	}
	os.Exit(code)
}

// openFiles returns what this process has open, but for the runtime's own.
func openFiles() map[string]string {
	open := map[string]string{}
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		if err == nil && to != "anon_inode:[eventpoll]" && to != "anon_inode:[eventfd]" {
			open[fd] = to
		}
	}
	return open
}

// allTestsRan reports whether every helper must have been used.
func allTestsRan() bool {
	for _, f := range []string{"run", "skip", "list", "fuzz"} {
		if flag.Lookup("test."+f).Value.String() != "" {
			return false
		}
	}
	return true
}

// A family is the processes of a test that has a process of its own.
type family struct {
	leash *os.File // the stdin of all of them, without data: its end ends them
	hold  *os.File // its other end
}

// alone runs the calling test in a process of its own, in which it may reap
// any child, and returns nil. In that process it returns what the test starts
// its children by.
func alone(t *testing.T, uses ...string) *family {
	t.Helper()
	for _, h := range uses {
		usedHelpers.Store(h, true)
	}
	if os.Getenv(aloneVar) == "" {
		ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.v", "-test.run=^"+regexp.QuoteMeta(t.Name())+"$")
		// The race detector's exit would else take a second.
		cmd.Env = append(os.Environ(), aloneVar+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("alone: %v\n%s", err, out)
		}
		return nil
	}
	leash, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		hold.Close()
		for _, pid := range childrenByScan(os.Getpid()) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		for err := error(nil); err != unix.ECHILD; {
			_, err = unix.Wait4(-1, nil, 0, nil)
		}
		leash.Close()
	})
	return &family{leash, hold}
}

// A child is a process that a test has started.
type child struct {
	pid, pidfd int
	r          *os.File
	out        *bufio.Reader // its stdout and stderr
}

// sh starts a shell that runs script.
func (f *family) sh(t *testing.T, script string) *child {
	t.Helper()
	return f.start(t, &Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Env: os.Environ()})
}

// start starts s, whose Files it sets.
func (f *family) start(t *testing.T, s *Spec) *child {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := &child{r: r, out: bufio.NewReader(r)}
	s.Files = [3]int{int(f.leash.Fd()), int(w.Fd()), int(w.Fd())}
	c.pid, c.pidfd, err = Start(s)
	w.Close()
	t.Cleanup(func() {
		r.Close()
		unix.Close(c.pidfd)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// line returns the next line of what c writes.
func (c *child) line(t *testing.T) string {
	t.Helper()
	s, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("read from process %d: %v after %q", c.pid, err, s)
	}
	return strings.TrimSuffix(s, "\n")
}

// rest returns what c writes until nobody has its stdout any more.
func (c *child) rest(t *testing.T) string {
	t.Helper()
	b, err := io.ReadAll(c.out)
	if err != nil {
		t.Fatalf("read from process %d: %v after %q", c.pid, err, b)
	}
	return string(b)
}

// ended waits until c has ended and leaves it unreaped.
func (c *child) ended(t *testing.T) {
	t.Helper()
	eventually(t, "a child ends", func() bool {
		n, err := SlowPoll([]unix.PollFd{{Fd: int32(c.pidfd), Events: unix.POLLIN}}, patience)
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	})
}

// wait reaps c.
func (c *child) wait(t *testing.T) syscall.WaitStatus {
	t.Helper()
	c.ended(t)
	return reap(t, c.pid)
}

// reap waits for the end of child pid.
func reap(t *testing.T, pid int) (ws syscall.WaitStatus) {
	t.Helper()
	for {
		got, err := syscall.Wait4(pid, &ws, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if got != pid || err != nil {
			t.Fatalf("wait for %d: %d, %v", pid, got, err)
		}
		return ws
	}
}

// killedBy is the status of a process that sig has ended.
func killedBy(sig syscall.Signal) syscall.WaitStatus { return syscall.WaitStatus(sig) }

// exited is the status of a process that has ended by itself.
func exited(code int) syscall.WaitStatus { return syscall.WaitStatus(code << 8) }

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// inState waits until process pid is in state.
func inState(t *testing.T, pid int, state byte) {
	t.Helper()
	eventually(t, fmt.Sprintf("process %d comes into state %c", pid, state), func() bool {
		st, err := ReadStat(pid)
		return err == nil && st.State == state
	})
}
