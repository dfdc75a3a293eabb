package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A named object is a file, made whole and then linked to its name:
//
//	   0  "mpxo"          8  kind (u32)          24  boot id (16 bytes)
//	   4  version (u32) 12  1: it lasts (u32)    40  PID namespace (u64)
//	                    16  size of the file     48  made (ns since 1970, u64)
//	                                             56  time namespace (u64)
//	  64  what is the kind's own, to 4096
//	4096  the table of parties: who holds, who waits
//	8192  data, of an array
//
// Numbers are little endian. The file never changes its size. Bytes far
// behind its end are locks of the kernel's (F_OFD_SETLK), which go with their
// holders: the guard, held for microseconds by who changes more than one word at
// a time, and of a lock the lock itself. A third is locked, shared, by who has the object
// open, so that nobody takes it for a leftover meanwhile.
const (
	objectVersion = 2
	ownOffset     = 64
	partyOffset   = 4096
	dataOffset    = 8192

	guardByte = 1 << 40
	lockByte  = guardByte + 1
	useByte   = guardByte + 2
	turnByte  = guardByte + 3 // and the next
)

var le = binary.LittleEndian

// Errors of objects whose holders cannot be seen from here.
var (
	ErrNamespace = errors.New("it was made in another PID or time namespace, whose processes cannot be told from here")
	// ErrElsewhere is that of an object that lasts: it is free when they have ended.
	ErrElsewhere = errors.New("processes use it that cannot be seen from here: of another PID or time namespace, or another machine")
)

// A NamespaceError is an ErrNamespace that knows the object's file.
type NamespaceError struct{ Path string }

func (e *NamespaceError) Error() string { return ErrNamespace.Error() }

// Is has it be an ErrNamespace.
func (e *NamespaceError) Is(target error) bool { return target == ErrNamespace }

// Hint returns the remedy.
func (e *NamespaceError) Hint() string {
	return "use it and remove it where it was made; if you know that nobody uses it any more: rm " + e.Path
}

// A VersionError says that an object's file has another format.
type VersionError struct {
	Version uint32
	Path    string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("it was made by another version of mpx (format %d, this one's is %d): %s", e.Version, objectVersion, e.Path)
}

// Hint returns the remedy.
func (e *VersionError) Hint() string {
	return "use it and remove it by that version; if you know that nobody uses it: rm " + e.Path
}

// A header is what the first bytes of an object say.
type header struct {
	kind  Kind
	size  int
	made  int64 // ns since 1970
	place place // where it was made, or, if it lasts, is used
	lasts bool
}

func (o *Object) writeHeader(lasts bool, p place) {
	copy(o.b, "mpxo")
	le.PutUint32(o.b[4:], objectVersion)
	le.PutUint32(o.b[8:], uint32(o.Kind))
	if lasts {
		le.PutUint32(o.b[12:], 1)
	}
	le.PutUint64(o.b[16:], uint64(len(o.b)))
	copy(o.b[24:40], p.boot[:])
	le.PutUint64(o.b[40:], p.pid)
	le.PutUint64(o.b[48:], uint64(o.made))
	le.PutUint64(o.b[56:], p.time)
}

func placeIn(head []byte) place {
	return place{[16]byte(head[24:40]), le.Uint64(head[40:]), le.Uint64(head[56:])}
}

// readHeader reads and checks the header of f, which may be any file. It reads
// the file and not a mapping, so that nobody can change it under the checks.
// ErrDamaged: it is no object's. A *VersionError: it is one that this mpx cannot read.
func readHeader(f *os.File) (h header, err error) {
	var head [ownOffset]byte
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return h, fmt.Errorf("look at its file: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return h, ErrDamaged
	}
	if n, err := unix.Pread(int(f.Fd()), head[:], 0); err != nil {
		return h, fmt.Errorf("read its file: %w", err)
	} else if n < len(head) || string(head[:4]) != "mpxo" {
		return h, ErrDamaged
	}
	if v := le.Uint32(head[4:]); v != objectVersion {
		return h, &VersionError{v, f.Name()}
	}
	h = header{
		kind: Kind(le.Uint32(head[8:])), size: int(st.Size), made: int64(le.Uint64(head[48:])),
		place: placeIn(head[:]), lasts: le.Uint32(head[12:]) == 1,
	}
	if le.Uint64(head[16:]) != uint64(st.Size) || h.size < dataOffset {
		return h, ErrDamaged
	}
	return h, nil
}

// standing says what an object of that header is to this process: one to be used, one
// that is stale, from before the last start of the machine, or, by ErrNamespace, one whose
// holders cannot be told from here.
func (h *header) standing() (stale bool, err error) {
	p, err := here()
	switch {
	case err != nil || h.lasts || h.place == p:
		return false, err
	case h.place.boot != p.boot:
		return true, nil
	}
	return false, ErrNamespace
}
