package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A resident is the shell that stays.
type resident struct {
	pid      int
	pidfd    int
	main     int // the shell itself: pid, or a process below it, as that of timeout 1h bash
	requests int // write end
	statuses int // read end, non-blocking
	said     int // read end of what the initializer prints; -1: it is over
	terminal *terminal
	warm     bool
	stay     []int // the shell, and own
	own      []int // children of the shell's and of ours that the initializer has left
	// The lists of children, kept open: reading one is a microsecond.
	below, beside int
	usual         [2]string // what they say between two tasks
}

// leaveLimit is how long a shell that has nothing to do may take to leave.
const leaveLimit = time.Second

// launchShell starts the shell, which runs line first.
func (r *shellRunner) launchShell(line string) error {
	words := r.tmpl.Shell()
	path, err := proc.LookPath(words[0])
	if err != nil {
		return fmt.Errorf("find the shell %s: %w", words[0], err)
	}
	requests, statuses, said, err := shellPipes()
	if err != nil {
		return fmt.Errorf("make the shell's pipes: %w", err)
	}
	terminal, err := newTerminal()
	if err != nil {
		return fmt.Errorf("make the shell's terminal: %w", err)
	}
	r.sh = resident{requests: requests[1], statuses: statuses[0], said: said[0], terminal: terminal}
	var text string
	r.plain, text = newPlainTask(r.tmpl, r.s.cfg.Slot)
	argv := append(append([]string(nil), words...), "-c", driverFor(r.text, r.orders), "mpx", line, text)
	files := []uintptr{
		uintptr(r.null), uintptr(said[1]), uintptr(said[1]), uintptr(requests[0]), uintptr(statuses[1]),
		uintptr(r.pipes.fd(0)), uintptr(r.pipes.fd(1)), uintptr(terminal.slave),
	}
	r.sh.pid, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env: r.env, Files: files,
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: shellTerminal, Pdeathsig: syscall.SIGKILL, PidFD: &r.sh.pidfd},
	})
	for _, fd := range []int{requests[0], statuses[1], said[1]} {
		proc.Close(fd)
	}
	if err != nil {
		for _, fd := range []int{requests[1], statuses[0], said[0], terminal.master, terminal.slave} {
			proc.Close(fd)
		}
		return fmt.Errorf("start the shell %s: %w", words[0], err)
	}
	return nil
}

func shellPipes() (requests, statuses, said [2]int, err error) {
	for _, p := range []*[2]int{&requests, &statuses, &said} {
		if err == nil {
			err = unix.Pipe2(p[:], unix.O_CLOEXEC)
		}
	}
	for _, fd := range []int{statuses[0], said[0], requests[1]} {
		if err == nil {
			err = unix.SetNonblock(fd, true)
		}
	}
	return requests, statuses, said, err
}

// readStatus returns the next line of the shell, "" if there is none yet.
func (sh *resident) readStatus() string {
	var b [16]byte
	n, err := proc.Read(sh.statuses, b[:])
	if err != nil || n <= 0 {
		return ""
	}
	return strings.TrimSpace(string(b[:n]))
}

// becomeWarm takes in that the shell, whose pid by its own account is said, is warm. What
// the initializer has left running is no task's.
func (sh *resident) becomeWarm(said string) {
	sh.warm = true
	below := proc.Descendants(sh.pid)
	sh.main = sh.pid
	if i := slices.IndexFunc(below, func(pid int) bool { return pidInside(pid) == said }); i >= 0 {
		sh.main = below[i]
	}
	sh.stay = append(append([]int{sh.pid}, below...), others(sh.pid)...)
	sh.own = slices.Clone(sh.stay)
	for pid := sh.main; pid > 0; { // from the shell up to what was started
		sh.own = slices.DeleteFunc(sh.own, func(p int) bool { return p == pid })
		st, err := proc.ReadStat(pid)
		if pid == sh.pid || err != nil {
			break
		}
		pid = st.Parent
	}
	sh.below, sh.beside = childrenFile(sh.main), childrenFile(unix.Getpid())
	sh.usual = sh.lists()
}

// pidInside returns the number of process pid in the innermost PID namespace that it is
// in: what its $$ is.
func pidInside(pid int) string {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, after, _ := bytes.Cut(b, []byte("\nNSpid:"))
	line, _, _ := bytes.Cut(after, newline)
	if f := bytes.Fields(line); len(f) > 0 {
		return string(f[len(f)-1])
	}
	return strconv.Itoa(pid)
}

// childrenFile opens the list of the children of pid's first thread, which is
// the one that has any; -1 where the kernel has no such list.
func childrenFile(pid int) int {
	p := strconv.Itoa(pid)
	fd, err := unix.Open("/proc/"+p+"/task/"+p+"/children", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// lists returns what the lists of children say. One that cannot be read is
// never what it was.
func (sh *resident) lists() (said [2]string) {
	for i, fd := range [2]int{sh.below, sh.beside} {
		var b [256]byte
		n, err := proc.Pread(fd, b[:])
		if said[i] = string(b[:max(n, 0)]); err != nil || n == len(b) {
			said[i] = "?" + strconv.Itoa(int(time.Now().UnixNano()))
		}
	}
	return said
}

// nothingLeft reports whether no process of a task is left, as far as a glance
// tells; left looks closely.
func (sh *resident) nothingLeft() bool { return sh.lists() == sh.usual }

// others returns the children of this process that are not the shell.
func others(shell int) []int {
	return slices.DeleteFunc(proc.Children(unix.Getpid()), func(pid int) bool { return pid == shell })
}

// ours reports whether pid is the shell, or of its initializer.
func (sh *resident) ours(pid int) bool {
	return pid == sh.pid || pid == sh.main || slices.Contains(sh.own, pid)
}

// left returns the processes of tasks: those below the shell, and orphans that
// have come to this process.
func (sh *resident) left() (pids []int) {
	for _, pid := range append(proc.Children(sh.main), others(sh.pid)...) {
		if st, err := proc.ReadStat(pid); err == nil && st.State != 'Z' && !sh.ours(pid) && !sh.initializers(pid, st) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// initializers reports whether an orphan is of what the initializer has left running,
// which may start more at any time. Each task has a process group of its own in the
// shell's session, and the number of a task in the environment of what it executes.
func (sh *resident) initializers(pid int, st proc.Stat) bool {
	switch {
	case len(sh.own) == 0 || st.Parent == sh.main:
		return false
	case st.Session == sh.pid:
		return st.Group == sh.pid || st.Group == sh.main
	}
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && len(env) > 0 && !bytes.Contains(append([]byte{0}, env...), []byte("\x00MPX_SEQ="))
}

// reap takes the statuses of orphans that have ended, and reports whether the
// shell is among them.
func (sh *resident) reap() (dead bool, ws syscall.WaitStatus) {
	for {
		var ru syscall.Rusage
		pid, status, err := proc.Reap(&ru)
		if err != nil || pid == 0 {
			return dead, ws
		}
		if pid == sh.pid {
			dead, ws = true, status
		}
	}
}

// dismiss has the shell leave, and waits for it.
func (sh *resident) dismiss() {
	if sh.pid == 0 {
		return
	}
	proc.Close(sh.requests)
	fds := []unix.PollFd{{Fd: int32(sh.pidfd), Events: unix.POLLIN}}
	for end := time.Now().Add(leaveLimit); ; {
		n, err := proc.SlowPoll(fds, max(0, time.Until(end)))
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) || !time.Now().Before(end) {
			break
		}
	}
	proc.EndChildren(func(pid int) bool { return pid == sh.pid }, killLimit, nil)
}
