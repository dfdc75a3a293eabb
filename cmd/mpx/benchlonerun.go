package main

import (
	"errors"
	"fmt"
	"syscall"

	"mpx/internal/pool"
	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// command runs argv and waits for it. stdin is a descriptor; nil: /dev/null. The
// error is why it cannot be run, or, once a signal has ended it, an *outcome.
func (l *lone) command(argv, env []string, stdin *int) (ws syscall.WaitStatus, err error) {
	mark := proc.NewMark()
	l.others = l.others || proc.AnyLivingChild()
	spec := &proc.Spec{Argv: argv, Env: mark.In(env), Files: [3]int{l.null, l.out, l.out}, DieWithThread: true}
	if stdin != nil {
		spec.Files[0] = *stdin
	}
	if err := l.start(spec); err != nil {
		return 0, err
	}
	for {
		if _, err = syscall.Wait4(l.pid, &ws, 0, nil); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	pool.EndedBeside(l.pid)
	l.mu.Lock()
	l.pid = 0
	l.mu.Unlock()
	if sig := l.interrupted(); sig != nil {
		c := proc.Claim{Mark: mark, Alone: func() bool { return !l.others }}
		c.End(endTime)
		return ws, sig
	}
	return ws, err
}

// start starts spec as execvp would, unless a signal has come: PATH is searched
// for a name without a slash, once.
func (l *lone) start(spec *proc.Spec) (err error) {
	name := spec.Argv[0]
	if spec.Path = l.paths[name]; spec.Path == "" {
		if spec.Path, err = proc.LookPath(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		l.paths[name] = spec.Path
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sig != 0 {
		return &outcome{signal: l.sig}
	}
	if l.pid, err = pool.StartBeside(func() (int, error) { return execute(spec) }); err != nil {
		l.pid = 0
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// execute starts spec, by sh if it is executable but no program.
func execute(spec *proc.Spec) (int, error) {
	pid, pidfd, err := proc.Start(spec)
	if errors.Is(err, unix.ENOEXEC) {
		script := *spec
		script.Path, script.Argv = "/bin/sh", append([]string{"/bin/sh", spec.Path}, spec.Argv[1:]...)
		pid, pidfd, err = proc.Start(&script)
	}
	if err == nil {
		unix.Close(pidfd)
	}
	return pid, err
}
