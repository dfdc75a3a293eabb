package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStartFiles(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	var files, mine [3]*os.File // the child's ends, and ours
	for i := range files {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		files[i], mine[i] = w, r
		if i == 0 {
			files[i], mine[i] = r, w
		}
		defer mine[i].Close()
	}
	s := &Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", "cat; echo err >&2"}}
	for i := range files {
		s.Files[i] = int(files[i].Fd())
	}
	pid, pidfd, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	for _, f := range files {
		f.Close()
	}
	fmt.Fprint(mine[0], "in")
	mine[0].Close()
	for i, want := range []string{1: "in", 2: "err\n"} {
		if i == 0 {
			continue
		}
		if got, err := io.ReadAll(mine[i]); string(got) != want || err != nil {
			t.Errorf("descriptor %d: %q, %v", i, got, err)
		}
	}
	if ws := reap(t, pid); ws != exited(0) {
		t.Errorf("status %#x", ws)
	}
}

func TestStartArgvAndEnv(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	c := f.start(t, &Spec{Path: "/usr/bin/env", Argv: []string{"env"}, Env: []string{"B=2", "A=1", "C="}})
	if got := c.rest(t); got != "B=2\nA=1\nC=\n" {
		t.Errorf("environment %q", got)
	}
	c.wait(t)
	c = f.start(t, &Spec{Path: "/bin/sh", Argv: []string{"name", "-c", `printf '<%s>' "$0" "$@"`, "zero", "", "a b", "\xff"}})
	if got := c.rest(t); got != "<zero><><a b><\xff>" {
		t.Errorf("arguments %q", got)
	}
	c.wait(t)
}

// The child has its three descriptors, and nothing that was opened for it.
func TestStartLeaksNothing(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	c := f.sh(t, "echo; read x")
	c.line(t) // what the dynamic linker opened is closed
	if flags, err := unix.FcntlInt(uintptr(c.pidfd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("pidfd is not close-on-exec: %v", err)
	}
	dir := "/proc/" + strconv.Itoa(c.pid) + "/fd"
	fds, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		n, _ := strconv.Atoi(fd.Name())
		flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
		if n > 2 && (err != nil || flags&unix.FD_CLOEXEC != 0) {
			to, _ := os.Readlink(filepath.Join(dir, fd.Name()))
			t.Errorf("the child has descriptor %d: %s", n, to)
		}
	}
	f.hold.Close()
	c.wait(t)
}

func TestStartSession(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	us, err := ReadStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range []bool{false, true} {
		c := f.start(t, &Spec{Path: "/bin/cat", Argv: []string{"cat"}, Session: session})
		want := Stat{Parent: os.Getpid(), Group: us.Group, Session: us.Session}
		if session {
			want.Group, want.Session = c.pid, c.pid
		}
		got, err := ReadStat(c.pid)
		got.State = 0
		if err != nil || got != want {
			t.Errorf("session %v: %+v, want %+v, %v", session, got, want, err)
		}
	}
}

func TestStartStatus(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	for script, want := range map[string]syscall.WaitStatus{
		"exit 0":        exited(0),
		"exit 7":        exited(7),
		"exit 255":      exited(255),
		"kill -TERM $$": killedBy(unix.SIGTERM),
		"kill -KILL $$": killedBy(unix.SIGKILL),
	} {
		if ws := f.sh(t, script).wait(t); ws != want {
			t.Errorf("%s: status %#x, want %#x", script, ws, want)
		}
	}
}

// The pidfd becomes readable when the process ends, not before.
func TestStartPidfd(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	c := f.sh(t, "read x")
	fds := []unix.PollFd{{Fd: int32(c.pidfd), Events: unix.POLLIN}}
	if n, err := SlowPoll(fds, 0); n != 0 || err != nil {
		t.Errorf("of a living process: %d, %v", n, err)
	}
	f.hold.Close()
	c.ended(t)
	if err := unix.PidfdSendSignal(c.pidfd, 0, nil, 0); err != nil {
		t.Errorf("not the pidfd of an unreaped child: %v", err)
	}
	if ws := c.wait(t); ws != exited(1) {
		t.Errorf("status %#x", ws)
	}
	if err := unix.PidfdSendSignal(c.pidfd, 0, nil, 0); err != unix.ESRCH {
		t.Errorf("after it was reaped: %v", err)
	}
}

// What keeps a process from starting comes back as a bare Errno, and leaves
// neither a child nor a descriptor.
func TestStartErrors(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := len(openFiles())
	for _, tt := range []struct {
		path string
		argv []string
		want syscall.Errno
	}{
		{filepath.Join(dir, "none"), nil, unix.ENOENT},
		{"", nil, unix.ENOENT},
		{file("lost", "#!"+dir+"/no-interpreter\n", 0o755), nil, unix.ENOENT},
		{file("plain", "#!/bin/sh\n", 0o644), nil, unix.EACCES},
		{dir, nil, unix.EACCES},
		{filepath.Join(dir, "plain", "x"), nil, unix.ENOTDIR},
		{file("script", "echo no interpreter named\n", 0o755), nil, unix.ENOEXEC},
		{file("empty", "", 0o755), nil, unix.ENOEXEC},
		{"/bin/sh", []string{"sh", strings.Repeat("x", 1<<20)}, unix.E2BIG},
		{"/bin/sh", []string{"a\x00b"}, unix.EINVAL},
	} {
		pid, pidfd, err := Start(&Spec{Path: tt.path, Argv: append(tt.argv, "last"), Files: [3]int{0, 1, 2}})
		if errno, bare := err.(syscall.Errno); !bare || errno != tt.want || pid != 0 || pidfd != -1 {
			t.Errorf("%.80q: pid %d, pidfd %d, %T %v; want %v", tt.path, pid, pidfd, err, err, tt.want)
		}
		if OutOfResources(err) {
			t.Errorf("%v counts as want of resources", err)
		}
	}
	if pid, _, err := Reap(nil); err != unix.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
	if after := len(openFiles()); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestOutOfResources(t *testing.T) {
	for err, want := range map[error]bool{
		nil: false, unix.EAGAIN: true, unix.ENOMEM: true, unix.EMFILE: true, unix.ENFILE: true,
		unix.ENOENT: false, unix.E2BIG: false, io.EOF: false,
	} {
		if got := OutOfResources(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	if !OutOfResources(fmt.Errorf("start: %w", unix.ENOMEM)) || !OutOfResources(os.NewSyscallError("fork", unix.EAGAIN)) {
		t.Error("wrapped errors do not count")
	}
}

// Start at the limit of open files.
func TestStartWithoutDescriptors(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Cur: 0, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	_, _, err := Start(&Spec{Path: "/bin/true", Argv: []string{"true"}, Files: [3]int{0, 1, 2}})
	if rerr := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); rerr != nil {
		t.Fatal(rerr)
	}
	if err != unix.EMFILE || !OutOfResources(err) {
		t.Errorf("error %v", err)
	}
}

// helpStart starts a process that reads stdin to its end, prints its pid, and
// waits for nothing. Its argument is the process's DieWithThread.
func helpStart(args []string) error {
	runtime.LockOSThread()
	s := &Spec{Path: "/bin/cat", Argv: []string{"cat"}, Files: [3]int{0, 1, 2}, DieWithThread: args[0] == "true", Session: true}
	pid, _, err := Start(s)
	if err != nil {
		return err
	}
	fmt.Println(pid)
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(errors.New("stdin ended"), err)
}

// DieWithThread: who started it is killed, and so is it. Without, it lives on.
func TestDieWithProcess(t *testing.T) {
	f := alone(t, "start")
	if f == nil {
		return
	}
	if err := BecomeSubreaper(); err != nil { // to see what becomes of it
		t.Fatal(err)
	}
	for _, die := range []bool{true, false} {
		c := f.start(t, &Spec{
			Path: "/proc/self/exe", Argv: []string{"helper", strconv.FormatBool(die)},
			Env: append(os.Environ(), helperVar+"=start"),
		})
		pid, err := strconv.Atoi(c.line(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(c.pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if ws := c.wait(t); ws != killedBy(unix.SIGKILL) {
			t.Errorf("helper's status %#x", ws)
		}
		want := killedBy(unix.SIGKILL)
		if !die { // the signal would have been sent by now
			want = exited(0)
			f.hold.Close()
		}
		if ws := reap(t, pid); ws != want {
			t.Errorf("DieWithThread %v: status %#x, want %#x", die, ws, want)
		}
	}
}

func TestDieWithThread(t *testing.T) {
	f := alone(t)
	if f == nil {
		return
	}
	started, stay := make(chan *child), make(chan bool)
	onThread(func() {
		started <- f.start(t, &Spec{Path: "/bin/cat", Argv: []string{"cat"}, DieWithThread: true})
		<-stay
	})
	c := <-started
	inState(t, c.pid, 'S')
	close(stay)
	if ws := c.wait(t); ws != killedBy(unix.SIGKILL) {
		t.Errorf("status %#x", ws)
	}
}

func TestSetName(t *testing.T) {
	done := make(chan bool)
	onThread(func() {
		defer close(done)
		for name, want := range map[string]string{"": "", "mpx-worker": "mpx-worker", "123456789012345678": "123456789012345"} {
			SetName(name)
			if b, err := os.ReadFile("/proc/thread-self/comm"); string(b) != want+"\n" || err != nil {
				t.Errorf("SetName(%q): %q, %v", name, b, err)
			}
		}
	})
	<-done
}

// onThread calls f on a thread that ends with it: not the main thread, which
// Go never ends.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		done := make(chan bool)
		onThread(func() { defer close(done); f() })
		<-done
		runtime.UnlockOSThread()
	}()
}
