package main

import "golang.org/x/sys/unix"

// stdoutFlags is what fcntl said of descriptor 1 when the process began: a
// negative number if it was closed. Package code does not set it: see
// entry_amd64.s.
var stdoutFlags int64

// ignoredSignals has bit N set if signal N was ignored when the process began, likewise.
var ignoredSignals uint64

// keepStdoutClosed makes writing to a stdout that the caller had closed an
// error, as it would be without the runtime's help: results must not vanish.
func keepStdoutClosed() {
	if stdoutFlags >= 0 {
		return
	}
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0) // not for writing
	if err != nil {
		return
	}
	_ = unix.Dup3(fd, 1, 0)
	unix.Close(fd)
}
