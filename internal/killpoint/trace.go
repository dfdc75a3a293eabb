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
	v    *Victim
	at   Point
	seen *survey // nil: it is to kill
	end  End

	root, victim int          // pids; victim 0: it has not come yet
	victimNow    atomic.Int64 // victim, for who watches
	calls        int
	inCall       map[int]bool // by thread: its next stop at a call is the call's end
	process      map[int]int  // of each thread
	early        map[int]bool // threads that have stopped before their start was told
	steps        bool         // between the point's call and the next
	stores       int
	mem          *memory
	over         bool // killed, or past all points: nothing more is looked at
}

const (
	allThreads = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEEXEC
	andForks   = syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK
)

// run runs v, in a thread that ends with the run.
func (v *Victim) run(p Point, seen *survey) (End, error) {
	t := &tracer{v: v, at: p, seen: seen, inCall: map[int]bool{}, process: map[int]int{}, early: map[int]bool{}}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		if unix.Gettid() == os.Getpid() {
			go func() { runtime.LockOSThread(); done <- t.follow() }() // the main thread does not end: another one
			return
		}
		done <- t.follow()
	}()
	err := <-done
	t.mem.close()
	return t.end, err
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
			return nil
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
	sig := ws.StopSignal()
	switch {
	case sig == syscall.SIGTRAP|0x80:
		t.inCall[tid] = !t.inCall[tid]
		if t.inCall[tid] && pid == t.victim && !t.over {
			t.before(tid)
		}
		sig = 0
	case sig == syscall.SIGTRAP && ws.TrapCause() > 0:
		if t.event(tid, pid, ws.TrapCause()) {
			return
		}
		sig = 0
	case sig == syscall.SIGTRAP && t.steps:
		sig = 0
	case sig == syscall.SIGSTOP && t.early[tid]:
		delete(t.early, tid)
		sig = 0
	}
	if t.steps && !t.over && pid == t.victim && t.mem.changed() {
		if t.stores++; t.stores == t.at.Store {
			t.kill()
		}
	}
	t.resume(tid, sig)
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
			t.over = true
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

// before handles a call that a thread of the victim is about to make.
func (t *tracer) before(tid int) {
	name := callOf(tid)
	if name == "" {
		return
	}
	t.calls++
	switch {
	case t.seen != nil:
		t.seen.calls = t.calls
		t.look()
	case t.calls == t.at.Call && t.at.Store == 0:
		t.end.Where = name
		t.kill()
	case t.calls == t.at.Call:
		var err error
		if t.mem, err = shared(t.victim); err == nil && callInstructions[runtime.GOARCH] != nil {
			t.steps = true
		}
	case t.calls > t.at.Call:
		t.steps, t.over = false, true
	}
	t.end.Where = name
}

// look notes whether shared memory has changed since the call before.
func (t *tracer) look() {
	now, err := shared(t.victim)
	if err != nil {
		return
	}
	if t.mem != nil && t.mem.differs(now) {
		t.seen.stores = append(t.seen.stores, t.calls-1)
	}
	t.mem.close()
	t.mem = now
}

func (t *tracer) kill() {
	t.over, t.end.Killed = true, true
	_ = syscall.Kill(t.victim, syscall.SIGKILL)
}

// resume lets a thread go on, up to its next call or, within the point's gap, by one
// instruction.
func (t *tracer) resume(tid int, sig syscall.Signal) {
	switch {
	case t.over || t.process[tid] != t.victim:
		_ = syscall.PtraceCont(tid, int(sig))
	case t.steps && sig == 0 && !t.inCall[tid] && !t.mem.atCall(tid, callInstructions[runtime.GOARCH]):
		_ = syscall.PtraceSingleStep(tid)
	default:
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
