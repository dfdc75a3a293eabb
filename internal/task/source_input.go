package task

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// An input is one file, or stdin, to read records from.
type input struct {
	name string    // as errors call it
	r    io.Reader // nil: a file not yet opened
	file *os.File  // to close, nil for stdin
}

// checkFile reports what would keep the file from being read, so that it is
// known before the first task runs. Files are opened for good one by one:
// there may be more of them than descriptors.
func checkFile(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, cause(err))
	}
	if info.IsDir() {
		return fmt.Errorf("read %s: %w", name, syscall.EISDIR)
	}
	if !info.Mode().IsRegular() {
		return nil // opening a FIFO or a device may have effects
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, cause(err))
	}
	return f.Close()
}

// read reads once, at least a byte unless there is an error.
func (in *input) read(p []byte) (int, error) {
	if in.r == nil {
		f, err := os.Open(in.name)
		if err != nil {
			return 0, fmt.Errorf("open %s: %w", in.name, cause(err))
		}
		in.r, in.file = f, f
	}
	for range 100 {
		n, err := in.readRetrying(p)
		switch {
		case err == io.EOF:
			return n, err
		case err != nil:
			return n, fmt.Errorf("read %s: %w", in.name, cause(err))
		case n > 0:
			return n, nil
		}
	}
	return 0, fmt.Errorf("read %s: %w", in.name, io.ErrNoProgress)
}

// readRetrying reads, whatever signals come. It waits where the read would
// not: another process that shares the terminal or pipe may have set it to
// O_NONBLOCK behind our back.
func (in *input) readRetrying(p []byte) (int, error) {
	for {
		n, err := in.r.Read(p)
		switch {
		case n > 0 || err == nil:
			return n, err
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			if !waitReadable(in.r) {
				return 0, err
			}
		default:
			return 0, err
		}
	}
}

// waitReadable waits until r, if it has a descriptor, has something to read.
func waitReadable(r io.Reader) bool {
	c, ok := r.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var perr error
	err = raw.Control(func(fd uintptr) {
		_, perr = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
	})
	return err == nil && (perr == nil || perr == unix.EINTR)
}

func (in *input) close() error {
	if in.file == nil {
		return nil
	}
	err := in.file.Close()
	in.file = nil
	return err
}

// cause returns err without the operation and the path that os put before it:
// they are the wrong words for stdin and twice there otherwise.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
