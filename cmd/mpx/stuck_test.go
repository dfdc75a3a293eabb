package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// stuck is a process that is stopped in the midst of a change: stuck FILE PID. It takes
// the guard of the object whose file that is, as docs/OBJECTS.md has it, writes its pid to
// the file PID, and stops. When it goes on the change is over, and it ends.
func stuck() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: stuck FILE PID")
		os.Exit(2)
	}
	f, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)
	if err == nil {
		err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: 1 << 40, Len: 1})
	}
	if err == nil {
		err = os.WriteFile(os.Args[2], []byte(strconv.Itoa(os.Getpid())), 0o600)
	}
	if err == nil {
		runtime.LockOSThread()
		// By this thread, which cannot go on before it is stopped.
		err = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
