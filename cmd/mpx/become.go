package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// ignoredSignals has bit N set if signal N was ignored when the process began. Package
// code does not set it: see entry_amd64.s.
var ignoredSignals uint64

// keepIgnored ignores what the caller had ignored, for this process and for what it
// becomes. Of itself the runtime does that for SIGHUP and SIGINT.
func keepIgnored() {
	for n := range syscall.Signal(32) {
		if ignoredSignals&(1<<n) != 0 {
			signal.Ignore(n)
		}
	}
}

// become puts the command in the place of this process: its pid, its terminal,
// what is sent to it, and the status that the caller sees are the command's.
func become(words, env []string) error {
	if stdoutFlags < 0 { // it is not ours to open
		unix.CloseOnExec(1)
	}
	return start(words, func(path string, argv []string) error { return syscall.Exec(path, argv, env) })
}

// start finds the command and has f execute it, as execvp(3): a script without #!
// is the shell's. An error says why it could not, with its exit status.
func start(words []string, f func(path string, argv []string) error) error {
	path, err := proc.LookPath(words[0])
	if err == nil {
		err = f(path, words)
	}
	if errors.Is(err, unix.ENOEXEC) {
		err = f("/bin/sh", append([]string{"/bin/sh", path}, words[1:]...))
	}
	if err == nil {
		return nil
	}
	e := &commandError{msg: fmt.Sprintf("%s: %v", words[0], err), status: exitCannotRun}
	if errors.Is(err, unix.ENOENT) {
		e.status = exitNotFound
	}
	if len(words) == 1 && strings.ContainsAny(words[0], " \t|;&<>") {
		e.hint = "a shell line needs a shell: sh -c '…'"
	}
	return e
}

// A commandError says that the command cannot be run, or is not found.
type commandError struct {
	msg, hint string
	status    int
}

func (e *commandError) Error() string { return e.msg }

// beside runs the command while this process stays, for as long as it takes, and
// ends as the command did. The command ends with this process.
func beside(words, env []string) error {
	end, err := child(words, env, 0)
	if err != nil {
		return err
	}
	return end.outcome()
}

// A childEnd is how a child has ended, and the signal that mpx got meanwhile and
// handed on; 0: none.
type childEnd struct {
	unix.WaitStatus
	got syscall.Signal
}

func (e childEnd) outcome() error {
	if e.Signaled() {
		return &outcome{signal: e.Signal()}
	}
	return &outcome{status: e.ExitStatus()}
}

// child runs the command with descriptor stdin as its standard input, hands on the
// signals that come, and returns how it has ended. The command ends with this
// process.
func child(words, env []string, stdin int) (end childEnd, err error) {
	runtime.LockOSThread() // the command dies with the thread that started it
	defer runtime.UnlockOSThread()
	var signals []os.Signal
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	c := make(chan os.Signal, 16)
	signal.Notify(c, signals...)
	defer signal.Stop(c)
	var pid, pidfd int
	if err := start(words, func(path string, argv []string) (err error) {
		pid, pidfd, err = proc.Start(&proc.Spec{Path: path, Argv: argv, Env: env, Files: [3]int{stdin, 1, 2}, DieWithThread: true})
		return err
	}); err != nil {
		return end, err
	}
	defer unix.Close(pidfd)
	done, forwarded := make(chan struct{}), make(chan syscall.Signal, 1)
	go func() { forwarded <- forward(c, pidfd, done) }()
	end.WaitStatus, err = waitFor(pid)
	close(done)
	end.got = <-forwarded
	if err != nil {
		return end, fmt.Errorf("wait for %s: %w", words[0], err)
	}
	return end, nil
}

// forward hands signals on to the process behind pidfd until done is closed, and
// returns the last one. What the terminal sends it sends to the whole group, and the
// process is in it.
func forward(c <-chan os.Signal, pidfd int, done <-chan struct{}) (last syscall.Signal) {
	for {
		select {
		case s := <-c:
			last = s.(syscall.Signal)
			if (last == syscall.SIGINT || last == syscall.SIGQUIT) && hasKeys() {
				continue
			}
			_ = unix.PidfdSendSignal(pidfd, last, nil, 0) // an error: it has ended
		case <-done:
			return last
		}
	}
}

// hasKeys reports whether the keys of a terminal reach this process.
func hasKeys() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	return inForeground(tty)
}
