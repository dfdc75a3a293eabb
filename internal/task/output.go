package task

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Memory that outputs may take before they go to the spill file, in bytes.
const (
	memPerOutput = 64 << 10
	memPerStore  = 8 << 20
)

// A Store holds the outputs of a run: small ones in memory, the rest in one
// file that is unlinked as soon as it is made, so that no kill leaves it
// behind. It is safe for use by several goroutines; an Output is not.
type Store struct {
	dir string

	mu   sync.Mutex // guards the following
	mem  int64      // bytes of all outputs in memory
	file *os.File   // nil until something spills
	end  int64      // where the next extent of file begins
	live int64      // bytes of file that outputs still need
}

// NewStore returns a store that spills to a file in dir ("": $TMPDIR or /tmp).
func NewStore(dir string) *Store { return &Store{dir: dir} }

// Close frees the spill file. Outputs that spilled can no longer be read.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// An extent is a run of bytes in a store's file.
type extent struct{ off, len int64 }

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
		return done, fmt.Errorf("read spilled output: %w", io.ErrUnexpectedEOF)
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
			return nil, fmt.Errorf("read spilled output: %w", err)
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

func (s *Store) reserve(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mem+int64(n) > memPerStore {
		return false
	}
	s.mem += int64(n)
	return true
}

// spill writes p to the file and returns where it stands.
func (s *Store) spill(p []byte) (extent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := unlinkedFile(s.dir)
		if err != nil {
			return extent{}, fmt.Errorf("spill output: %w", err)
		}
		s.file, s.end, s.live = f, 0, 0
	}
	n, err := s.file.WriteAt(p, s.end)
	if err != nil {
		return extent{}, fmt.Errorf("spill output: %w", err)
	}
	e := extent{s.end, int64(n)}
	s.end += e.len
	s.live += e.len
	return e, nil
}

// release gives back mem bytes of memory and the extents' room on disk: at
// once where the file system can punch holes, else when nothing is left in
// the file.
func (s *Store) release(mem int, extents []extent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mem -= int64(mem)
	if s.file == nil || len(extents) == 0 {
		return
	}
	for _, e := range extents {
		s.live -= e.len
	}
	if s.live == 0 {
		if s.file.Truncate(0) == nil {
			s.end = 0
		}
		return
	}
	for _, e := range extents {
		// A file system that cannot is no error: the room comes back later.
		_ = unix.Fallocate(int(s.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, e.off, e.len)
	}
}

// unlinkedFile opens a new file in dir that has no name.
func unlinkedFile(dir string) (*os.File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir), nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	f, err := os.CreateTemp(dir, "mpx-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
