package ipc

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A disk does to a queue's files what the loss of power may undo: all but a file's content
// that has been synced, and names in a directory that has been.
type disk interface {
	// open opens a file, which flag may make.
	open(path string, flag int) (*os.File, error)
	write(f *os.File, b []byte, at int64) error
	truncate(f *os.File, size int64) error
	// sync has the content of f be on the disk.
	sync(f *os.File) error
	// syncDir has the names in a directory be on the disk.
	syncDir(path string) error
	// link gives a file without a name that name.
	link(f *os.File, path string) error
	rename(from, to string) error
	remove(path string) error
}

// onDisk is the disk. A test takes its power away.
var onDisk disk = realDisk{}

type realDisk struct{}

func (realDisk) open(path string, flag int) (*os.File, error) {
	return os.OpenFile(path, flag|unix.O_NOFOLLOW, 0o600)
}

func (realDisk) write(f *os.File, b []byte, at int64) error {
	_, err := f.WriteAt(b, at)
	return err
}

func (realDisk) truncate(f *os.File, size int64) error { return f.Truncate(size) }

func (realDisk) sync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (realDisk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (realDisk) link(f *os.File, path string) error {
	from := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	return unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

func (realDisk) rename(from, to string) error { return os.Rename(from, to) }

func (realDisk) remove(path string) error { return os.Remove(path) }
