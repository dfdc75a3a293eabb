package task

import (
	"fmt"
	"io"
)

// An Output is what a task wrote to its stdout or its stderr. The zero Output
// is empty.
type Output struct {
	mem     []byte
	extents []extent // in the store's file, after mem
	size    int64
	store   *Store
}

// Bytes returns an Output of b alone, which it keeps; it never spills.
func Bytes(b []byte) Output { return Output{mem: b, size: int64(len(b))} }

// Size returns the length of o in bytes.
func (o *Output) Size() int64 { return o.size }

// Mem returns o's bytes if all of them are in memory, and whether they are.
func (o *Output) Mem() ([]byte, bool) { return o.mem, o.extents == nil }

// Append adds p, which it copies, to the end of o. Errors are those of making
// and writing the spill file.
func (o *Output) Append(s *Store, p []byte) error {
	o.store = s
	if o.extents == nil && len(o.mem)+len(p) <= memPerOutput && s.reserve(len(p)) {
		o.mem = append(o.mem, p...)
		o.size += int64(len(p))
		return nil
	}
	e, err := s.spill(p)
	if err != nil {
		return err
	}
	o.size += e.len
	if n := len(o.extents); n > 0 && o.extents[n-1].off+o.extents[n-1].len == e.off {
		o.extents[n-1].len += e.len
	} else {
		o.extents = append(o.extents, e)
	}
	return nil
}

// WriteTo writes o's bytes to w.
func (o *Output) WriteTo(w io.Writer) (int64, error) {
	var done int64
	if len(o.mem) > 0 {
		n, err := w.Write(o.mem)
		done = int64(n)
		if err != nil {
			return done, err
		}
	}
	for _, e := range o.extents {
		n, err := io.Copy(w, io.NewSectionReader(o.store.file, e.off, e.len))
		done += n
		if err != nil {
			return done, err
		}
	}
	if done != o.size {
		return done, fmt.Errorf("read the spill file: %w", io.ErrUnexpectedEOF)
	}
	return done, nil
}

// Tail returns up to n bytes from the end of o. Errors are those of reading the
// spill file.
func (o *Output) Tail(n int64) ([]byte, error) {
	n = min(n, o.size)
	skip, tail := o.size-n, make([]byte, 0, n)
	if l := int64(len(o.mem)); skip < l {
		tail, skip = append(tail, o.mem[skip:]...), 0
	} else {
		skip -= l
	}
	for _, e := range o.extents {
		if skip >= e.len {
			skip -= e.len
			continue
		}
		from := len(tail)
		tail = tail[:from+int(e.len-skip)]
		if _, err := o.store.file.ReadAt(tail[from:], e.off+skip); err != nil {
			return nil, fmt.Errorf("read the spill file: %w", err)
		}
		skip = 0
	}
	return tail, nil
}

// Release gives back what o holds; o is empty afterwards.
func (o *Output) Release() {
	if o.store != nil {
		o.store.release(len(o.mem), o.extents)
	}
	*o = Output{}
}
