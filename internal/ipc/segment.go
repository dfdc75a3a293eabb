package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// A queue's log is cut into segments, files of about a megabyte, so that what has
// been had gives its room back. A record is
//
//	 0  its item's length, and longItem if that is a file of its own (u64)
//	 8  sum: CRC-32C of the rest of the record (u32)
//	12  the lower half of the item's number (u32)
//	16  the item, unless it is long
//
// and stands in one segment. A record that ends at segmentSize or behind it is the
// last one of its segment. A place in the log is the segment's number << 32 and the
// offset in it.
const (
	recordHead  = 16
	segmentSize = 1 << 20
	// maxShort is the longest item that stands in the log, in bytes.
	maxShort = 64 << 10
)

// ErrLog is the error of a log that holds what no queue has written.
var ErrLog = errors.New("its log is damaged: another program has changed it, or the machine has stopped while it was written")

// castagnoli is made when it is first needed: each worker is this program.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// appendRecord appends the record of an item to b.
func appendRecord(b []byte, number uint64, i *Item) []byte {
	at := len(b)
	length := uint64(len(i.b))
	if i.f != nil {
		length = uint64(i.size) | longItem
	}
	b = binary.LittleEndian.AppendUint64(b, length)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(number))
	b = append(b, i.b...)
	binary.LittleEndian.PutUint32(b[at+8:], recordSum(b[at:]))
	return b
}

func recordSum(r []byte) uint32 {
	sum := crc32.Update(0, castagnoli(), r[:8])
	return crc32.Update(sum, castagnoli(), r[12:])
}

// after returns the place behind a record of so many bytes at place.
func after(place uint64, size int) uint64 {
	if place += uint64(size); place&(1<<32-1) >= segmentSize {
		place = (place>>32 + 1) << 32
	}
	return place
}

// logs are the files of a queue, in dir. It keeps those open that are in use.
type logs struct {
	dir     string
	in, out segment
	buf     []byte
}

// A segment is one that is open; no file: none is.
type segment struct {
	n uint64
	f *os.File
}

func (l *logs) close() {
	for _, s := range []*segment{&l.in, &l.out} {
		if s.f != nil {
			s.f.Close()
			s.f = nil
		}
	}
}

// open has s be segment n.
func (l *logs) open(s *segment, n uint64, flag int) (err error) {
	if s.f != nil && s.n == n {
		return nil
	}
	if s.f != nil {
		s.f.Close()
	}
	s.n = n
	s.f, err = os.OpenFile(l.path(n), flag|unix.O_NOFOLLOW, 0o600)
	return err
}

func (l *logs) path(n uint64) string { return filepath.Join(l.dir, "log."+strconv.FormatUint(n, 10)) }

func (l *logs) longPath(n uint64) string {
	return filepath.Join(l.dir, "item."+strconv.FormatUint(n, 10))
}

// makeDir makes the directory, if it is missing.
func (l *logs) makeDir() error {
	if err := os.Mkdir(l.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// link has f be the long item number, in the place of what a killed process has left.
func (l *logs) link(f *os.File, number uint64) error {
	from, path := "/proc/self/fd/"+strconv.Itoa(int(f.Fd())), l.longPath(number)
	for {
		err := unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
		switch {
		case errors.Is(err, unix.EEXIST):
			err = os.Remove(path)
		case errors.Is(err, unix.ENOENT): // the first one ever
			if err = os.Mkdir(l.dir, 0o700); errors.Is(err, os.ErrExist) {
				return unix.ENOENT // it is f that is missing
			}
		default:
			return err
		}
		if err != nil {
			return err
		}
	}
}

// write writes records, which are to stand one behind the other at place on.
func (l *logs) write(place uint64, records []byte) error {
	err := l.open(&l.in, place>>32, os.O_RDWR|os.O_CREATE)
	if errors.Is(err, os.ErrNotExist) { // the first one ever
		if err = l.makeDir(); err == nil {
			err = l.open(&l.in, place>>32, os.O_RDWR|os.O_CREATE)
		}
	}
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	if _, err := l.in.f.WriteAt(records, int64(place&(1<<32-1))); err != nil {
		return fmt.Errorf("write its log: %w", err)
	}
	return nil
}

// read returns the record of item number at place, all of it; it is valid until the
// next call.
func (l *logs) read(place, number uint64) (record []byte, err error) {
	if err := l.open(&l.out, place>>32, os.O_RDONLY); err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	if l.buf == nil {
		l.buf = make([]byte, recordHead+maxShort)
	}
	const most = 512 // what a read that may be too much costs nothing
	n, err := readAt(l.out.f, l.buf[:most], place)
	if err != nil {
		return nil, err
	}
	if n < recordHead {
		return nil, ErrLog
	}
	length := binary.LittleEndian.Uint64(l.buf)
	size := recordHead
	if length&longItem == 0 {
		if length > maxShort {
			return nil, ErrLog
		}
		size += int(length)
	}
	if size > n {
		more, err := readAt(l.out.f, l.buf[n:size], place+uint64(n))
		if err != nil {
			return nil, err
		}
		n += more
	}
	r := l.buf[:min(size, n)]
	if n < size || binary.LittleEndian.Uint32(r[8:]) != recordSum(r) || binary.LittleEndian.Uint32(r[12:]) != uint32(number) {
		return nil, ErrLog
	}
	return r, nil
}

// readAt reads as much of b as there is.
func readAt(f *os.File, b []byte, place uint64) (int, error) {
	for {
		n, err := unix.Pread(int(f.Fd()), b, int64(place&(1<<32-1)))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read its log: %w", err)
		}
		return n, nil
	}
}
