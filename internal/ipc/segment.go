package ipc

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// segmentSize: a queue's log is cut into segments, files of about a megabyte, so that what
// has been had gives its room back. A record that ends there or behind is the last one of
// its segment; so is any that the next one was not put behind. A place in the log is the
// segment's number << 32 and the offset in it.
var segmentSize = int64(1 << 20) // that of a test is smaller

// errNoRecord: there is no record where one should be. Another program has changed the
// log, or the disk has lost it.
var errNoRecord = errors.New("its log is damaged")

func offsetOf(place uint64) int64 { return int64(place & (1<<32 - 1)) }

// nextSegment returns the place where the segment behind that of place begins.
func nextSegment(place uint64) uint64 { return (place>>32 + 1) << 32 }

// after returns the place behind a record of so many bytes at place.
func after(place uint64, size int) uint64 {
	if place += uint64(size); offsetOf(place) >= segmentSize {
		place = nextSegment(place)
	}
	return place
}

// logs are the files of a queue, in dir. It keeps those open that are in use.
type logs struct {
	dir           string
	made          uint64 // when the queue was, in ns since 1970
	in, out, acks segment
	buf           []byte
}

// A segment is one that is open; no file: none is.
type segment struct {
	n uint64
	f *os.File
}

func (s *segment) close() {
	if s.f != nil {
		s.f.Close()
		s.f = nil
	}
}

func (l *logs) close() {
	l.in.close()
	l.out.close()
	l.acks.close()
}

// open has s be file n of the kind that path names.
func (s *segment) open(path func(uint64) string, n uint64, flag int) (err error) {
	if s.f != nil && s.n == n {
		return nil
	}
	s.close()
	s.n = n
	s.f, err = onDisk.open(path(n), flag)
	return err
}

func (l *logs) file(kind string, n uint64) string {
	return filepath.Join(l.dir, kind+"."+strconv.FormatUint(n, 10))
}

func (l *logs) path(n uint64) string        { return l.file("log", n) }
func (l *logs) longPath(n uint64) string    { return l.file("item", n) }
func (l *logs) ackPath(n uint64) string     { return l.file("acks", n) }
func (l *logs) damagedPath(n uint64) string { return l.file("damaged", n) }

// list returns the numbers of the files of a kind, sorted.
func (l *logs) list(kind string) (all []uint64, err error) {
	files, err := os.ReadDir(l.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, f := range files {
		if rest, ok := strings.CutPrefix(f.Name(), kind+"."); ok {
			if n, err := strconv.ParseUint(rest, 10, 64); err == nil {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return all, err
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
	path := l.longPath(number)
	for {
		err := onDisk.link(f, path)
		switch {
		case errors.Is(err, unix.EEXIST):
			err = onDisk.remove(path)
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

// ready has the log be ready to be written at the place that it returns: that is place,
// unless what stands before it is not there any more. What stands behind it is that of one
// who was killed before it was part of the queue.
func (l *logs) ready(place uint64) (uint64, error) {
	for {
		flag := os.O_RDWR
		if offsetOf(place) == 0 {
			flag |= os.O_CREATE
		}
		err := l.in.open(l.path, place>>32, flag)
		if errors.Is(err, os.ErrNotExist) && offsetOf(place) == 0 { // the first one ever
			if err = l.makeDir(); err == nil {
				err = l.in.open(l.path, place>>32, flag)
			}
		}
		var size int64
		if err == nil {
			size, err = l.in.f.Seek(0, io.SeekEnd)
		}
		switch {
		case errors.Is(err, os.ErrNotExist), err == nil && size < offsetOf(place):
			place = nextSegment(place)
			continue
		case err == nil && size > offsetOf(place):
			err = onDisk.truncate(l.in.f, offsetOf(place))
		}
		if err != nil {
			return 0, fmt.Errorf("open its log: %w", err)
		}
		return place, nil
	}
}

// write writes records at a place that is ready.
func (l *logs) write(place uint64, records []byte) error {
	if err := onDisk.write(l.in.f, records, offsetOf(place)); err != nil {
		return fmt.Errorf("write its log: %w", err)
	}
	return nil
}

// read returns the record of item number at place, and its size; its data is valid until
// the next call. errNoRecord: it is not there.
func (l *logs) read(place, number uint64) (r record, size int, err error) {
	err = l.out.open(l.path, place>>32, os.O_RDONLY)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return r, 0, errNoRecord
	case err != nil:
		return r, 0, fmt.Errorf("open its log: %w", err)
	}
	if l.buf == nil {
		l.buf = make([]byte, recordHead+maxShort)
	}
	const most = 512 // what a read that may be too much costs nothing
	n := readAt(l.out.f, l.buf[:most], offsetOf(place))
	if size = recordSize(l.buf[:n]); size > n {
		n += readAt(l.out.f, l.buf[n:size], offsetOf(place)+int64(n))
	}
	r, size = l.parseRecord(l.buf[:n], place)
	if size == 0 || r.number != number {
		return r, 0, errNoRecord
	}
	return r, size, nil
}

// readAt reads as much of b as there is, and as the disk can read.
func readAt(f *os.File, b []byte, at int64) int {
	n, _ := f.ReadAt(b, at)
	return n
}

// content returns what segment n has, as far as the disk can read it: the rest is zero.
// nil: there is no such segment.
func (l *logs) content(n uint64) ([]byte, error) {
	f, err := os.Open(l.path(n))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("read its log: %w", err)
	}
	b := make([]byte, min(size, segmentSize+recordHead+maxShort)) // no segment is longer
	const page = 4096
	for at := readAt(f, b, 0); at < len(b); at += page {
		at -= at % page
		clear(b[at:min(at+page, len(b))])
		readAt(f, b[at:min(at+page, len(b))], int64(at))
	}
	return b, nil
}

// isIntact reports whether file f, which stays at its beginning, has so many bytes of
// that sum. An error: it cannot be read.
func isIntact(f *os.File, size int64, sum uint32) (bool, error) {
	h := crc32.New(castagnoli())
	n, err := io.Copy(h, io.NewSectionReader(f, 0, math.MaxInt64))
	return n == size && h.Sum32() == sum, err
}
