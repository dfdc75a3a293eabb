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
	return d.make(name, kind, size, false, fill)
}

// make is Make, also of an object that lasts.
func (d *Dir) make(name string, kind Kind, size int, lasts bool, fill func(*Object)) (*Object, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	f, err := d.nameless()
	if err != nil {
		return nil, fmt.Errorf("make its file: %w", err)
	}
	total := dataOffset + size
	if err := reserve(f, total); err != nil {
		f.Close()
		return nil, fmt.Errorf("make its file of %d bytes: %w", total, err)
	}
	o, err := d.mapped(f, name, header{kind: kind, size: total, made: time.Now().UnixNano(), lasts: lasts})
	if err != nil {
		return nil, err
	}
	o.writeHeader(lasts)
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

// reserve gives f its size and its pages. Room that is missing now is an error; a
// page that is missing later would be a fault.
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

// Open opens the object name. kind 0 is any kind. ErrNotExist: there is none;
// one from before the last start of the machine counts as that, and is removed.
func (d *Dir) Open(name string, kind Kind) (*Object, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	f, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	h, err := readHeader(f)
	if err == nil && !h.stale && kind != 0 && h.kind != kind {
		err = &KindError{name, h.kind.String(), kind.String()}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	o, err := d.mapped(f, name, h)
	if err != nil || !h.stale {
		return o, err
	}
	defer o.Close()
	// Not Remove: what else it names is of an earlier run, too, and nothing now.
	if err := o.unlink(); err != nil && !errors.Is(err, ErrRemoved) {
		return nil, fmt.Errorf("remove what is left from before the machine started: %w", err)
	}
	return nil, ErrNotExist
}

func (d *Dir) openFile(name string) (*os.File, error) {
	// Not to wait for what a FIFO of that name waits for.
	fd, err := unix.Open(d.file(name), unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, ErrNotExist
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENXIO):
		return nil, ErrDamaged // a link, a directory, a socket
	case err != nil:
		return nil, fmt.Errorf("open its file: %w", err)
	}
	if err := unix.SetNonblock(fd, false); err != nil { // else the runtime makes ready to poll it
		unix.Close(fd)
		return nil, fmt.Errorf("open its file: %w", err)
	}
	return os.NewFile(uintptr(fd), d.file(name)), nil
}

// OpenOrMake opens the object name, or makes it.
func (d *Dir) OpenOrMake(name string, kind Kind, fill func(*Object)) (*Object, error) {
	for {
		o, err := d.Open(name, kind)
		if !errors.Is(err, ErrNotExist) {
			return o, err
		}
		if o, err = d.Make(name, kind, 0, fill); !errors.Is(err, ErrExists) {
			return o, err
		}
	}
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
			if err := (&Sem{o}).removeSet(); err != nil {
				return fmt.Errorf("remove the set of semaphores: %w", err)
			}
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
		if inside, err := OpenDir(o.Side()); err == nil {
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

// guarded calls f while nobody else changes o. The lock is the kernel's and goes
// with this process, so f must leave o sound between any two stores.
func (o *Object) guarded(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.lockByte(guardByte, unix.F_WRLCK, true); err != nil {
		return fmt.Errorf("guard its file: %w", err)
	}
	defer o.lockByte(guardByte, unix.F_UNLCK, true) //nolint:errcheck // of our own lock
	if o.removed() {
		return ErrRemoved
	}
	return o.touching(f)
}

// ifUnguarded calls f as guarded does, or not at all while another has the guard.
func (o *Object) ifUnguarded(f func() error) error {
	if !o.mu.TryLock() {
		return unix.EAGAIN
	}
	defer o.mu.Unlock()
	if err := o.lockByte(guardByte, unix.F_WRLCK, false); err != nil {
		return err
	}
	defer o.lockByte(guardByte, unix.F_UNLCK, true) //nolint:errcheck // of our own lock
	return o.touching(f)
}

// lockByte sets the kernel's lock on a byte of o's file. unix.EAGAIN: another has
// it, and wait is false.
func (o *Object) lockByte(at int64, kind int16, wait bool) error {
	return setLock(o.f.Fd(), at, kind, wait)
}

func setLock(fd uintptr, at int64, kind int16, wait bool) error {
	cmd := unix.F_OFD_SETLK
	if wait {
		cmd = unix.F_OFD_SETLKW
	}
	for {
		err := unix.FcntlFlock(fd, cmd, &unix.Flock_t{Type: kind, Start: at, Len: 1})
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
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
