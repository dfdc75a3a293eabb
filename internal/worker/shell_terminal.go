package worker

import (
	"bytes"
	"strconv"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// A terminal is the one of a resident shell, at which nobody sits: what tasks
// write to it is thrown away, and who reads it finds its end. A read is answered
// by a ^D written ahead, as programs that poll first must find it readable.
type terminal struct {
	master int
	slave  int // kept open: a master whose slave nobody has open is always ready
}

func newTerminal() (*terminal, error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	slave, err := openSlave(master)
	if err != nil {
		unix.Close(master)
		return nil, err
	}
	t := &terminal{master, slave}
	t.refill()
	return t, nil
}

func openSlave(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return -1, err
	}
	return unix.Open("/dev/pts/"+strconv.Itoa(number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
}

// ends is what terminal.refill writes: more than most tasks read.
var ends = bytes.Repeat([]byte{4}, 256)

// refill has readers find the terminal's end again if they have used up what
// was there. No descriptor tells when that is; a reader waits for the next look.
func (t *terminal) refill() {
	fds := []unix.PollFd{{Fd: int32(t.slave), Events: unix.POLLIN}}
	if n, err := proc.Poll(fds, 0); n == 0 && err == nil {
		_, _ = proc.Write(t.master, ends)
	}
}

// drain throws away what has been written to the terminal, some of it at once.
func (t *terminal) drain() {
	var b [16 << 10]byte
	_, _ = proc.Read(t.master, b[:])
}
