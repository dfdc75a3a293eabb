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
//	  64  what is the kind's own, to 4096
//	4096  the table of parties: who holds, who waits
//	8192  data, of an array
//
// Numbers are little endian. The file never changes its size. Bytes far
// behind its end are locks of the kernel's (F_OFD_SETLK), which go with their
// holders: the guard, held for microseconds by who changes more than one word at
// a time, and of a lock the lock itself. A third is locked, shared, by who uses an object
// that lasts.
const (
	objectVersion = 1
	ownOffset     = 64
	partyOffset   = 4096
	dataOffset    = 8192

	guardByte = 1 << 40
	lockByte  = guardByte + 1
	useByte   = guardByte + 2
)

var le = binary.LittleEndian

// Errors of objects whose holders cannot be seen from here.
var (
	ErrNamespace = errors.New("it was made in another PID namespace, whose processes cannot be seen from here")
	// ErrElsewhere is that of an object that lasts: it is free when they have ended.
	ErrElsewhere = errors.New("processes use it that cannot be seen from here: of another PID namespace, or another machine")
)

// A header is what the first bytes of an object say.
type header struct {
	kind  Kind
	size  int
	made  int64 // ns since 1970
	stale bool  // it is from before the last start of the machine
	lasts bool
}

func (o *Object) writeHeader(lasts bool) {
	copy(o.b, "mpxo")
	le.PutUint32(o.b[4:], objectVersion)
	le.PutUint32(o.b[8:], uint32(o.Kind))
	if lasts {
		le.PutUint32(o.b[12:], 1)
	}
	le.PutUint64(o.b[16:], uint64(len(o.b)))
	copy(o.b[24:40], bootID())
	le.PutUint64(o.b[40:], pidNamespace())
	le.PutUint64(o.b[48:], uint64(o.made))
}

// readHeader reads and checks the header of f, which may be any file. It reads
// the file and not a mapping, so that nobody can change it under the checks.
func readHeader(f *os.File) (h header, err error) {
	var head [ownOffset]byte
	var st unix.Stat_t
	if n, err := unix.Pread(int(f.Fd()), head[:], 0); err != nil || n < len(head) {
		return h, ErrDamaged
	}
	if unix.Fstat(int(f.Fd()), &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return h, ErrDamaged
	}
	h.lasts = le.Uint32(head[12:]) == 1
	h.kind, h.size, h.made = Kind(le.Uint32(head[8:])), int(st.Size), int64(le.Uint64(head[48:]))
	v := le.Uint32(head[4:])
	switch {
	case string(head[:4]) != "mpxo" || le.Uint64(head[16:]) != uint64(st.Size) || h.size < dataOffset:
		return h, ErrDamaged
	case v != objectVersion:
		return h, fmt.Errorf("it was made by another version of mpx (%d, this is %d)", v, objectVersion)
	case string(head[24:40]) != string(bootID()):
		h.stale = !h.lasts
	case le.Uint64(head[40:]) != pidNamespace() && !h.lasts:
		return h, ErrNamespace
	}
	return h, nil
}
