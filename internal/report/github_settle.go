package report

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// How long settle waits: for a pipe to be read empty, and for its reader to
// look at what it has read.
const (
	settleRead = 2 * time.Second
	settleLook = 100 * time.Millisecond
)

// settle waits until w, if it is a pipe, has been read. The runner of GitHub
// Actions reads stdout and stderr in two threads: what stands in one pipe
// counts for the other only once it was taken out. It does not say when it has
// dealt with it, so a runner that lags further may still see the other first.
func settle(w io.Writer) {
	f, ok := w.(*os.File)
	if !ok {
		return
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	for end := time.Now().Add(settleRead); unread(f) > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(settleLook)
}

// unread returns how many bytes wait in the pipe f.
func unread(f *os.File) (n uint32) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	// TIOCINQ is FIONREAD, which either end answers; after an error n is 0.
	_ = conn.Control(func(fd uintptr) { n, _ = unix.IoctlGetUint32(int(fd), unix.TIOCINQ) })
	return n
}
