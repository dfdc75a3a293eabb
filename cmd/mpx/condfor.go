package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// lineSucceeds runs the user's shell line and reports whether its status is 0. A line
// that cannot be run would never succeed, and one that is ended by a signal has not
// said no: the first is an error, by the second mpx ends as well.
func lineSucceeds(line string) (bool, error) {
	ws, err := runLine(line)
	switch status := ws.ExitStatus(); {
	case err != nil:
		return false, err
	case ws.Signaled():
		return false, &outcome{signal: ws.Signal()}
	case status == exitCannotRun || status == exitNotFound:
		return false, fmt.Errorf("the line of --for cannot be run: status %d", status)
	default:
		return status == exitOK, nil
	}
}

// runLine runs the line as the calling shell would: with mpx's own input and output,
// and the lock that mpx has inherited.
func runLine(line string) (ws unix.WaitStatus, err error) {
	runtime.LockOSThread() // the line dies with the thread that started it
	var pid, pidfd int
	err = start([]string{"sh", "-c", line}, func(path string, argv []string) (err error) {
		pid, pidfd, err = proc.Start(&proc.Spec{Path: path, Argv: argv, Env: os.Environ(), Files: [3]int{0, 1, 2}, DieWithThread: true})
		return err
	})
	if err != nil {
		return ws, err
	}
	defer unix.Close(pidfd)
	return waitFor(pid)
}

// waitFor returns how the child pid ends.
func waitFor(pid int) (ws unix.WaitStatus, err error) {
	for {
		if _, err = unix.Wait4(pid, &ws, 0, nil); !errors.Is(err, unix.EINTR) {
			return ws, err
		}
	}
}
