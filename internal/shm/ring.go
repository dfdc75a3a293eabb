package shm

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Errors of rings.
var (
	// ErrPeerDied: the process at the other end ended without closing it.
	ErrPeerDied = errors.New("the process at the other end has died")
	// ErrClosed: the other end is closed, or this one.
	ErrClosed = errors.New("the ring is closed")
	// ErrAttached: another has this end.
	ErrAttached = errors.New("this end of the ring is another's")
)

// A Ring carries messages of any length from one process, the sender, to one
// other, the receiver, by memory that both have mapped. Both work at once, also
// on one message: what the sender has put in is the receiver's to take out.
//
//	   0  the ring's size in bytes, a multiple of 8 (u64)
//	   8  1: one message at a time (u64)
//	  64  put: the bytes that the sender ever put in (u64)
//	 128  taken: the bytes that the receiver ever took out (u64)
//	 192  the sender's party
//	 256  the receiver's party
//	4096  the ring: byte i of the stream stands at i modulo its size
//
// A message is its length (u64) and its bytes, filled up to a multiple of 8. What
// one side writes is read by the other only after the counter has passed it.
type Ring struct {
	region *Region
	buf    []byte
	alone  bool
	piece  int // so much is handed over at a time
}

const (
	ringPut      = 64
	ringTaken    = 128
	ringSender   = 192
	ringReceiver = 256
	ringOffset   = 4096

	ringHead = 8
	ringMin  = 4 * ringHead
	// ringPiece is small, so that the other side finds it in the processor's cache.
	ringPiece = 32 << 10
)

// CreateRing makes a ring with room for size bytes of messages; longer ones pass
// through it piece by piece. The file is for the other process; the caller closes
// it.
func CreateRing(size int) (*Ring, *os.File, error) { return createRing(size, false) }

// CreateFloatChannel makes a channel for messages of at most maxSize doubles, one
// at a time, as the FloatChannel by which shared arrays and semaphores are taught
// in Python: the next message is put in when the last one has been taken out.
func CreateFloatChannel(maxSize int) (*Ring, *os.File, error) {
	if maxSize < 0 || maxSize > (math.MaxInt-ringOffset-ringHead)/8 {
		return nil, nil, fmt.Errorf("a channel for %d doubles", maxSize)
	}
	return createRing(ringHead+8*maxSize, true)
}

func createRing(size int, alone bool) (*Ring, *os.File, error) {
	if size = padded(size); !alone {
		size = max(size, ringMin)
	}
	region, f, err := Create("mpx-ring", ringOffset+size)
	if err != nil {
		return nil, nil, err
	}
	region.uint64At(0).Store(uint64(size))
	if alone {
		region.uint64At(8).Store(1)
	}
	return newRing(region, size, alone), f, nil
}

// OpenRing maps the ring behind fd.
func OpenRing(fd int) (*Ring, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	if st.Size < ringOffset+ringHead || st.Size%8 != 0 {
		return nil, fmt.Errorf("map shared memory: %d bytes are no ring", st.Size)
	}
	region, err := Map(fd, int(st.Size))
	if err != nil {
		return nil, err
	}
	size, alone := region.uint64At(0).Load(), region.uint64At(8).Load() == 1
	if size != uint64(st.Size-ringOffset) || !alone && size < ringMin {
		region.Close()
		return nil, fmt.Errorf("map shared memory: a ring of %d bytes in %d", size, st.Size)
	}
	return newRing(region, int(size), alone), nil
}

func newRing(region *Region, size int, alone bool) *Ring {
	r := &Ring{region: region, buf: region.b[ringOffset:][:size], alone: alone, piece: min(ringPiece, size/2&^7-ringHead)}
	if alone { // there is room for all of the one message
		r.piece = min(ringPiece, size)
	}
	return r
}

// Close unmaps the ring. Its ends must have been closed.
func (r *Ring) Close() error { return r.region.Close() }

// padded returns n filled up to a multiple of 8.
func padded(n int) int { return (n + 7) &^ 7 }

// put copies b into the ring, as what begins at byte at of the stream.
func (r *Ring) put(at uint64, b []byte) {
	n := copy(r.buf[at%uint64(len(r.buf)):], b)
	copy(r.buf, b[n:])
}

// take copies what begins at byte at of the stream to b.
func (r *Ring) take(b []byte, at uint64) {
	n := copy(b, r.buf[at%uint64(len(r.buf)):])
	copy(b[n:], r.buf)
}

// head returns the word of a message's length at byte at of the stream.
func (r *Ring) head(at uint64) *atomic.Uint64 {
	return r.region.uint64At(ringOffset + int(at%uint64(len(r.buf))))
}

// bytesOf returns the memory of doubles.
func bytesOf(values []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 8*len(values))
}
