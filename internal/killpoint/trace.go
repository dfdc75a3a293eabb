package killpoint

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A tracer follows one run. It is a thread of its own: a process is traced by a thread,
// and is free again when that ends.
type tracer struct {
	v   *Victim
	n   int // the point; 0: none
	end End

	root, victim int          // pids; victim 0: it has not come yet
	victimNow    atomic.Int64 // victim, for who watches
	inCall       map[int]bool // by thread: its next stop at a call is the call's end
	process      map[int]int  // of each thread
	early        map[int]bool // threads that have stopped before their start was told
	over         bool         // killed, or another program: nothing more is looked at

	shared []mapping
	maps   map[int]uint64 // threads that are about to share so many bytes
	callAt uint64         // the address of an instruction that makes a call
}

const (
	allThreads = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEEXEC
	andForks   = syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK
)

// inThread calls f in a thread, which is gone when it returns, and that has no children yet: f waits
// for any child of its thread, and has to let those alone that others have started.
func inThread(f func() error) error {
	done, thread := make(chan error), 0
	go func() {
		runtime.LockOSThread() // and never unlocked
		thread = unix.Gettid()
		children, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", unix.Gettid()))
		switch {
		case err != nil:
			done <- fmt.Errorf("%w: %w", ErrRefused, err)
		case len(children) > 0 || unix.Gettid() == os.Getpid(): // the main thread does not end
			done <- inThread(f) // another one, as this is taken meanwhile
		default:
			done <- f()
		}
	}()
	err := <-done
	for thread != os.Getpid() {
		if _, gone := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread)); gone != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

// letGo sets going what this run has traced, when its thread is gone: a process or thread
// that began as it went has a SIGSTOP to come, which was meant for the tracer.
func (t *tracer) letGo() {
	pids := map[int]bool{}
	for _, pid := range t.process {
		pids[pid] = pid != t.root
	}
	for pid, lives := range pids {
		if lives {
			_ = syscall.Kill(pid, syscall.SIGCONT) // an error: it has ended
		}
	}
}

// follow starts the program and goes with it until it has ended.
func (t *tracer) follow() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	files := t.v.Files
	for i := range files {
		if files[i] == nil {
			files[i] = null
		}
	}
	t.root, err = syscall.ForkExec(t.v.Path, t.v.Args, &syscall.ProcAttr{
		Dir: t.v.Dir, Env: append(t.v.Env, "GODEBUG=asyncpreemptoff=1"), // else signals come as it likes
		Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true},
	})
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err != nil {
		return err
	}
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(t.root, &ws, syscall.WALL, nil); err != nil || !ws.Stopped() {
		return fmt.Errorf("the program does not begin: %v %x", err, ws)
	}
	options := allThreads
	if t.v.Which != nil {
		options |= andForks
	} else {
		t.becomes(t.root)
	}
	t.process[t.root] = t.root
	if err := syscall.PtraceSetOptions(t.root, options); err != nil {
		return err
	}
	stop := t.watch()
	defer stop()
	t.resume(t.root, 0)
	return t.loop()
}

// loop handles stops until the program has ended.
func (t *tracer) loop() error {
	for {
		var ws syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &ws, syscall.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err
		case ws.Stopped():
			t.stopped(tid, ws)
		case tid == t.root:
			t.end.Status = ws
			if t.victim != t.root && t.victim != 0 && !t.end.Killed {
				t.release()
			}
			return nil
		case tid == t.victim:
			t.victim, t.over = 0, true
		}
	}
}

// release has the victim, which goes on, write its memory again.
func (t *tracer) release() {
	t.over = true
	if len(t.shared) == 0 || unix.Tgkill(t.victim, t.victim, syscall.SIGSTOP) != nil {
		return
	}
	for {
		var ws syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &ws, syscall.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil || tid == t.victim && !ws.Stopped():
			return
		case tid == t.victim && ws.StopSignal() == syscall.SIGSTOP:
			t.unprotect(tid)
			_ = syscall.PtraceDetach(tid)
			return
		case ws.Stopped() && ws.StopSignal() == syscall.SIGSEGV && t.process[tid] == t.victim:
			t.store(tid)
			t.resume(tid, 0)
		case ws.Stopped():
			t.stopped(tid, ws)
		}
	}
}

// stopped handles a stop of a thread.
func (t *tracer) stopped(tid int, ws syscall.WaitStatus) {
	pid, known := t.process[tid]
	if !known { // its start is about to be told
		t.early[tid] = true
		return
	}
	sig, looks := ws.StopSignal(), pid == t.victim && !t.over
	switch {
	case sig == syscall.SIGTRAP|0x80:
		t.atCall(tid, looks)
		sig = 0
	case sig == syscall.SIGTRAP && ws.TrapCause() > 0:
		if t.event(tid, pid, ws.TrapCause()) {
			return
		}
		sig = 0
	case sig == syscall.SIGSTOP && t.early[tid]:
		delete(t.early, tid)
		sig = 0
	case sig == syscall.SIGSEGV && looks && len(t.shared) > 0:
		if did, changed := t.store(tid); did {
			if sig = 0; changed {
				t.point("store")
			}
		}
	}
	t.resume(tid, sig)
}

// atCall handles a stop of a thread before a call, or after it.
func (t *tracer) atCall(tid int, looks bool) {
	begins := !t.inCall[tid]
	t.inCall[tid] = begins
	switch {
	case !looks:
	case !begins:
		t.hasMapped(tid)
	default:
		if name := callOf(tid); name != "" {
			t.point(name)
		}
		t.mapped(tid)
	}
}

// point handles a point to which the victim has come.
func (t *tracer) point(name string) {
	t.end.Points++
	t.end.Where = name
	if t.end.Points == t.n {
		t.over, t.end.Killed = true, true
		_ = syscall.Kill(t.victim, syscall.SIGKILL)
	}
}

// event handles what is told of a thread, and reports whether it has let it go.
func (t *tracer) event(tid, pid, cause int) (gone bool) {
	switch cause {
	case syscall.PTRACE_EVENT_CLONE, syscall.PTRACE_EVENT_FORK, syscall.PTRACE_EVENT_VFORK:
		msg, _ := syscall.PtraceGetEventMsg(tid)
		child := int(msg)
		t.process[child] = pid
		if cause != syscall.PTRACE_EVENT_CLONE {
			t.process[child] = child
		}
		if t.early[child] {
			delete(t.early, child)
			t.resume(child, 0)
		} else {
			t.early[child] = true // its first stop is no signal
		}
	case syscall.PTRACE_EVENT_EXEC:
		t.process[tid] = tid
		t.inCall[tid] = true // of execve
		switch {
		case tid == t.victim: // it is another program now
			t.over, t.shared = t.over || !t.v.Execs, nil
		case t.v.Which != nil && tid != t.root && t.victim == 0 && t.v.Which(wordsOf(tid)):
			t.becomes(tid)
			_ = syscall.PtraceSetOptions(tid, allThreads)
		case tid != t.root:
			_ = syscall.PtraceDetach(tid)
			return true
		}
	}
	return false
}

// becomes makes pid the victim.
func (t *tracer) becomes(pid int) {
	t.victim = pid
	t.victimNow.Store(int64(pid))
}

func wordsOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(b), "\x00", " ")
}

// resume lets a thread go on, up to its next call if that is looked at.
func (t *tracer) resume(tid int, sig syscall.Signal) {
	if t.over || t.process[tid] != t.victim {
		_ = syscall.PtraceCont(tid, int(sig))
	} else {
		_ = syscall.PtraceSyscall(tid, int(sig))
	}
}

// watch kills a run that waits for ever or hangs. The function that it returns ends it.
func (t *tracer) watch() (stop func()) {
	ended, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		out := time.After(t.v.Patience)
		for {
			select {
			case <-quit:
				return
			case <-out:
				t.end.Hung = true
				_ = syscall.Kill(t.root, syscall.SIGKILL)
				return
			case <-time.After(2 * time.Millisecond):
			}
			if pid := int(t.victimNow.Load()); t.v.Waits != nil && pid != 0 && asleep(pid) && t.v.Waits() && asleep(pid) {
				t.end.Waited = true
				_ = syscall.Kill(pid, syscall.SIGKILL)
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}

// asleep reports whether all threads of process pid sleep.
func asleep(pid int) bool {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return false
	}
	for _, task := range tasks {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task.Name()))
		if _, rest, ok := strings.Cut(string(b), ") "); err != nil || !ok || rest[0] != 'S' {
			return false
		}
	}
	return true
}
