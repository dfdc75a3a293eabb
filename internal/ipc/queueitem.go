package ipc

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// An Item is one that is to be put. Close it when it has been.
type Item struct {
	b    []byte
	f    *os.File // of a long one: a file without a name
	size int64    // of that
	sum  uint32   // likewise
}

// Close lets go of a long item's file.
func (i *Item) Close() {
	if i.f != nil {
		i.f.Close()
	}
}

// Item returns an item of the bytes that r has, which may be many: they are not held
// in memory.
func (q *Queue) Item(r io.Reader) (Item, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxShort+1))
	if err != nil || len(b) <= maxShort {
		return Item{b: b}, err
	}
	return q.long(b, r)
}

// Copy returns an item for q of one that another queue has given out.
func (q *Queue) Copy(l *Lease) (Item, error) {
	if l.file == nil {
		return q.ItemOf(l.data)
	}
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return Item{}, err
	}
	return q.Item(l.file)
}

// ItemOf returns an item of b, which must not change until the item is put.
func (q *Queue) ItemOf(b []byte) (Item, error) {
	if len(b) <= maxShort {
		return Item{b: b}, nil
	}
	return q.long(b, nil)
}

// long writes a long item to a file that has no name yet, so that a kill leaves
// nothing. Nor has it a directory yet: to make the queue's takes the guard, as the queue
// may be removed at any time.
func (q *Queue) long(b []byte, r io.Reader) (Item, error) {
	dir := q.t.In().Path()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return Item{}, fmt.Errorf("make a file for a long item: %w", err)
	}
	f := os.NewFile(uintptr(fd), dir)
	sum := crc32.New(castagnoli())
	all := io.Reader(bytes.NewReader(b))
	if r != nil {
		all = io.MultiReader(all, r)
	}
	size, err := io.Copy(f, io.TeeReader(all, sum))
	if err == nil && q.lasts {
		err = onDisk.sync(f)
	}
	if err != nil {
		f.Close()
		return Item{}, fmt.Errorf("write a long item: %w", err)
	}
	return Item{f: f, size: size, sum: sum.Sum32()}, nil
}
