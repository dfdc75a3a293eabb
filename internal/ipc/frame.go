// Package ipc carries messages between processes. PROTOCOL.md is the language
// of supervisor and worker; this package holds its frames and its words, and
// knows neither end.
package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Bounds of a frame, in bytes.
const (
	MaxFrame  = 256 << 10 // kind and body
	headerLen = 4
)

// ErrTorn is the error of a stream that ends inside a frame.
var ErrTorn = errors.New("stream ends inside a frame")

// ErrMalformed is wrapped by the errors of frames that no sender writes.
var ErrMalformed = errors.New("malformed frame")

var le = binary.LittleEndian

// AppendFrame appends a frame to b. A body that does not fit is a bug.
func AppendFrame(b []byte, kind Kind, body []byte) []byte {
	b, mark := begin(b, kind)
	return end(append(b, body...), mark)
}

// begin appends the head of a frame; end fills in its length.
func begin(b []byte, kind Kind) ([]byte, int) {
	mark := len(b)
	return append(b, 0, 0, 0, 0, byte(kind)), mark
}

func end(b []byte, mark int) []byte {
	n := len(b) - mark - headerLen
	if n > MaxFrame {
		panic("bug: frame longer than MaxFrame")
	}
	le.PutUint32(b[mark:], uint32(n))
	return b
}

// A Decoder cuts a stream of bytes into frames. It allocates only what has
// arrived, whatever a length says.
type Decoder struct {
	buf  []byte
	r, w int // buf[r:w] is not yet decoded
}

// NewDecoder returns a decoder that starts with room for size bytes.
func NewDecoder(size int) *Decoder { return &Decoder{buf: make([]byte, size)} }

// Fill reads once from read and returns its result. Bodies that Next returned
// are no longer valid afterwards.
func (d *Decoder) Fill(read func([]byte) (int, error)) (int, error) {
	if d.r > 0 {
		d.w = copy(d.buf, d.buf[d.r:d.w])
		d.r = 0
	}
	if d.w == len(d.buf) { // only while a frame is longer than the buffer
		d.buf = append(d.buf, make([]byte, max(len(d.buf), 4096))...)
	}
	n, err := read(d.buf[d.w:])
	if n > 0 {
		d.w += n
	}
	return n, err
}

// Next returns the next whole frame, if it has arrived. Its body is valid
// until the next Fill.
func (d *Decoder) Next() (kind Kind, body []byte, ok bool, err error) {
	have := d.buf[d.r:d.w]
	if len(have) < headerLen {
		return 0, nil, false, nil
	}
	n := le.Uint32(have)
	if n < 1 || n > MaxFrame {
		return 0, nil, false, fmt.Errorf("%w: length %d", ErrMalformed, n)
	}
	if len(have) < headerLen+int(n) {
		return 0, nil, false, nil
	}
	d.r += headerLen + int(n)
	return Kind(have[headerLen]), have[headerLen+1 : headerLen+int(n)], true, nil
}

// Waiting returns how many bytes have been read but not decoded.
func (d *Decoder) Waiting() int { return d.w - d.r }

// End returns ErrTorn if the stream, which has ended, did so inside a frame.
func (d *Decoder) End() error {
	if d.w != d.r {
		return ErrTorn
	}
	return nil
}
