package main

import (
	"os"
	"runtime"
	"syscall"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// handOn hands signals on to the command. Where there is none they end mpx.
func (t *twin) handOn(c <-chan os.Signal) {
	for s := range c {
		t.signal(s.(syscall.Signal))
	}
}

// signal is one of handOn. What the terminal sends it sends to the whole group, and the
// command is in it.
func (t *twin) signal(s syscall.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.busy {
		t.line.sayEnd(0, s)
		os.Exit(exitOK)
	}
	t.got = s
	if t.pid == 0 || (s == syscall.SIGINT || s == syscall.SIGQUIT) && hasKeys() {
		return
	}
	_ = unix.PidfdSendSignal(t.pidfd, s, nil, 0) // an error: it has ended
}

// run runs the command with descriptor stdin as its standard input, and returns how it
// has ended. Until rest a signal does not end this process.
func (t *twin) run(words, env []string, stdin int) (ws unix.WaitStatus, err error) {
	runtime.LockOSThread() // the command dies with the thread that started it
	defer runtime.UnlockOSThread()
	if err := t.start(words, env, stdin); err != nil {
		return ws, err
	}
	return <-t.ended, nil
}

func (t *twin) start(words, env []string, stdin int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left = t.left || proc.AnyLivingChild()
	t.runs = commandSign{proc.NewMark(), !t.left && !t.strangers}
	t.line.sayRuns(t.runs)
	if !t.runs.alone {
		env = t.runs.mark.In(env)
	}
	err := start(words, func(path string, argv []string) (err error) {
		t.pid, t.pidfd, err = proc.Start(&proc.Spec{Path: path, Argv: argv, Env: env, Files: [3]int{stdin, 1, 2}, DieWithThread: true})
		return err
	})
	if t.busy = err == nil; !t.busy {
		t.line.sayRuns(commandSign{})
	}
	return err
}

// rest says that all is done about the command that has ended. If a signal has come
// meanwhile, it is mpx that was to end.
func (t *twin) rest() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.got != 0 {
		return &outcome{signal: t.got}
	}
	t.busy = false
	return nil
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
