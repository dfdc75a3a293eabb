package task

import (
	"errors"
	"fmt"
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
	// Spare is how many bytes of the spill file's disk are left free, for others.
	Spare int64

	dir string

	mu   sync.Mutex // guards the following
	mem  int64      // bytes of all outputs in memory
	file *os.File   // nil until something spills
	end  int64      // where the next extent of file begins
	// used is how many bytes outputs still need of each segment of file, by its number.
	used map[int64]int64
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
			return extent{}, fmt.Errorf("write the spill file: %w", err)
		}
		s.file, s.end, s.used = f, 0, map[int64]int64{}
	}
	err := s.checkRoom(int64(len(p)))
	n := 0
	if err == nil {
		n, err = s.file.WriteAt(p, s.end)
	}
	if err != nil {
		return extent{}, fmt.Errorf("write the spill file: %w", err)
	}
	e := extent{s.end, int64(n)}
	s.end += e.len
	e.segments(func(i, n int64) { s.used[i] += n })
	return e, nil
}

// checkRoom says whether n bytes may be written.
func (s *Store) checkRoom(n int64) error {
	var disk unix.Statfs_t
	if s.Spare == 0 || unix.Fstatfs(int(s.file.Fd()), &disk) != nil {
		return nil
	}
	if free := int64(disk.Bavail) * disk.Bsize; free-n < s.Spare {
		return fmt.Errorf("%w but for %d MB that are spared", unix.ENOSPC, s.Spare>>20)
	}
	return nil
}

// release gives back mem bytes of memory and the extents' room on disk: a segment
// at a time where the file system can punch holes, else when nothing is left in
// the file.
func (s *Store) release(mem int, extents []extent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mem -= int64(mem)
	if s.file == nil || len(extents) == 0 {
		return
	}
	for _, e := range extents {
		e.segments(func(i, n int64) {
			if s.used[i] -= n; s.used[i] == 0 {
				delete(s.used, i)
				// A file system that cannot is no error: the room comes back later.
				_ = unix.Fallocate(int(s.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, i*segment, segment)
			}
		})
	}
	if len(s.used) == 0 && s.file.Truncate(0) == nil {
		s.end = 0
	}
}

// segment is how many bytes of the file give their room back together: a block of the
// disk, of which there are several in it, may have the ends of many outputs.
const segment = 64 << 10

// segments calls f with the number of each segment that e is in, and how much of it.
func (e extent) segments(f func(i, n int64)) {
	for off, end := e.off, e.off+e.len; off < end; {
		n := min(end-off, segment-off%segment)
		f(off/segment, n)
		off += n
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
