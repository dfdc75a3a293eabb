package proc

import "golang.org/x/sys/unix"

// fixedTime is the beginning of 1980, in seconds since 1970: the earliest time that gzip
// and zip can note.
const fixedTime = 315532800

// MemFile returns a descriptor from which b can be read, once: a memfd, so that
// nobody has to feed a pipe, whatever its reader does. name is what /proc shows. Its
// time is fixedTime, as what reads it may copy that: gzip -c is the same from run to run.
func MemFile(name string, b []byte) (int, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for off := int64(0); len(b) > 0; {
		n, err := unix.Pwrite(fd, b, off)
		if err != nil {
			unix.Close(fd)
			return -1, err
		}
		b, off = b[n:], off+int64(n)
	}
	setTimes(fd, fixedTime)
	return fd, nil
}
