package shm

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kind is what a named object is.
type Kind uint32

// The kinds. A condition lives in the lock of its name.
const (
	KindLock      Kind = 1
	KindSem       Kind = 2
	KindSemaphore Kind = 3
	KindEvent     Kind = 4
	KindBarrier   Kind = 5
	KindValue     Kind = 6
	KindArray     Kind = 7
	KindQueue     Kind = 8
	KindPipe      Kind = 9
	KindProcess   Kind = 10
	KindPool      Kind = 11
)

var kindWords = map[Kind]string{
	KindLock: "lock", KindSem: "sem", KindSemaphore: "semaphore", KindEvent: "event",
	KindBarrier: "barrier", KindValue: "value", KindArray: "array", KindQueue: "queue", KindPipe: "pipe",
	KindProcess: "process", KindPool: "pool",
}

func (k Kind) String() string {
	if w, ok := kindWords[k]; ok {
		return w
	}
	return fmt.Sprintf("object of kind %d", uint32(k))
}

// A KindError says that a name is that of an object of another kind.
type KindError struct{ Name, Have, Want string }

func (e *KindError) Error() string {
	return fmt.Sprintf("%s is the name of %s, not of %s", e.Name, withArticle(e.Have), withArticle(e.Want))
}

func withArticle(word string) string {
	if strings.ContainsRune("aeo", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

// An Object is a named object, open and mapped. Its methods are safe for use by
// several goroutines.
type Object struct {
	Name string
	Kind Kind

	dir   *Dir
	f     *os.File
	b     []byte
	made  int64 // ns since 1970
	lasts bool
	mu    sync.Mutex // guards the guard within this process
}

// Make makes the object name, of size bytes of data, and has fill set what is its
// own before anybody can see it. ErrExists: there is one.
func (d *Dir) Make(name string, kind Kind, size int, fill func(*Object)) (*Object, error) {
	return d.make(name, kind, size, size, false, fill)
}

// make is Make, also of an object that lasts, or of one whose data has pages only for
// the first reserved bytes: the others must not be touched before they have theirs.
func (d *Dir) make(name string, kind Kind, size, reserved int, lasts bool, fill func(*Object)) (*Object, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	f, err := d.nameless()
	if err != nil {
		return nil, fmt.Errorf("make its file: %w", err)
	}
	total := dataOffset + size
	if err := errors.Join(unix.Ftruncate(int(f.Fd()), int64(total)), reserve(f, dataOffset+reserved)); err != nil {
		f.Close()
		return nil, fmt.Errorf("make its file of %d bytes: %w", dataOffset+reserved, err)
	}
	p, err := here()
	if err != nil {
		f.Close()
		return nil, err
	}
	o, err := d.mapped(f, name, header{kind: kind, size: total, made: time.Now().UnixNano(), lasts: lasts})
	if err != nil {
		return nil, err
	}
	o.writeHeader(lasts, p)
	if err := o.lockByte(useByte, unix.F_RDLCK, false); err != nil {
		o.Close()
		return nil, fmt.Errorf("lock its file: %w", err)
	}
	if fill != nil {
		fill(o)
	}
	if err := d.link(f, name); err != nil {
		o.Close()
		if errors.Is(err, unix.EEXIST) {
			return nil, ErrExists
		}
		return nil, fmt.Errorf("make its file: %w", err)
	}
	return o, nil
}

// reserve gives the first size bytes of f their pages. Room that is missing now is an
// error; a page that is missing later would be a fault.
func reserve(f *os.File, size int) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
		if !errors.Is(err, unix.EINTR) { // of a tmpfs, for any signal
			return err
		}
	}
}

func (d *Dir) mapped(f *os.File, name string, h header) (*Object, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, h.size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("map its file: %w", err)
	}
	return &Object{Name: name, Kind: h.kind, dir: d, f: f, b: b, made: h.made, lasts: h.lasts}, nil
}

// Close unmaps o and closes its file.
func (o *Object) Close() error {
	err := unix.Munmap(o.b)
	o.b = nil
	return errors.Join(err, o.f.Close())
}

// Made returns when o was made.
func (o *Object) Made() time.Time { return time.Unix(0, o.made) }

// Remove takes o's name away, and what of it is not in its file. Who has it open
// notices. ErrRunning: it is a process or a pool that runs.
func (o *Object) Remove() error {
	if o.Kind == KindQueue {
		if err := (&Table{o, 0}).removeFar(); err != nil {
			return err
		}
	}
	return o.guarded(func() error {
		if o.Kind == KindSem {
			defer (&Sem{o}).wakeHead()
		}
		if o.Kind == KindProcess {
			if err := (&Process{o}).mayGo(); err != nil {
				return err
			}
		}
		if o.Kind == KindPool {
			if err := (&Pool{o}).mayGo(); err != nil {
				return err
			}
		}
		return o.unlinkAll()
	})
}

// unlink removes o's file under its guard: others may be about to do the same, and
// one of them could already have made the name another's.
func (o *Object) unlink() error {
	return o.guarded(o.unlinkAll)
}

// unlinkAll removes o's files. The guard must be held.
func (o *Object) unlinkAll() error {
	if o.Kind == KindProcess { // its own last: what another finds is whole
		if err := unix.Unlink(o.dir.logFile(o.Name)); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove its log: %w", err)
		}
	}
	if err := unix.Unlink(o.dir.file(o.Name)); err != nil {
		return err
	}
	switch o.Kind {
	case KindPipe: // what is in it are objects, which others may be using
		if inside, err := o.Inside(); err == nil {
			names, _ := inside.Names()
			for _, name := range names {
				_ = inside.Remove(name)
			}
		}
	case KindQueue, KindPool:
	default:
		return nil
	}
	return os.RemoveAll(o.Side())
}

// In returns the directory that o is in.
func (o *Object) In() *Dir { return o.dir }

// Fd returns the descriptor of o's file.
func (o *Object) Fd() uintptr { return o.f.Fd() }

// removed reports whether o's name is another's, or nobody's.
func (o *Object) removed() bool {
	var st unix.Stat_t
	return unix.Fstat(int(o.f.Fd()), &st) != nil || st.Nlink == 0
}

// touching calls f, which touches the mapping: a file that another program has
// made shorter is an error, not the end of this process.
func (o *Object) touching(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if fault, ok := r.(interface{ Addr() uintptr }); !ok || fault.Addr() == 0 {
				panic(r)
			}
			err = ErrDamaged
		}
	}()
	return f()
}

func (o *Object) uint32At(off int) *atomic.Uint32 {
	if off%4 != 0 || off+4 > len(o.b) {
		panic("bug: shared word out of place")
	}
	return (*atomic.Uint32)(unsafe.Pointer(&o.b[off]))
}

func (o *Object) uint64At(off int) *atomic.Uint64 {
	if off%8 != 0 || off+8 > len(o.b) {
		panic("bug: shared word out of place")
	}
	return (*atomic.Uint64)(unsafe.Pointer(&o.b[off]))
}
