package ipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Errors of connections, as Python's.
var (
	// ErrReadOnly, ErrWriteOnly: a connection of a one-way pipe.
	ErrReadOnly  = errors.New("connection is read-only")
	ErrWriteOnly = errors.New("connection is write-only")
	// ErrBadLength: a message is longer than the receiver will have. What follows
	// cannot be read any more; a connection that only receives is closed by it.
	ErrBadLength = errors.New("bad message length")
)

// A ShortBufferError says that a message is longer than the buffer for it
// (BufferTooShort). It holds the message, which has been received.
type ShortBufferError struct{ Message []byte }

func (e *ShortBufferError) Error() string {
	return fmt.Sprintf("buffer too short: a message of %d bytes", len(e.Message))
}

// A Connection is one end of a pipe that carries messages: they keep their borders,
// and are framed as those of Python's multiprocessing.connection, with their length
// before them as 4 bytes, big endian; beyond 2 GiB -1 and 8 more. One goroutine may
// send while another receives, and no more than that.
type Connection struct {
	f                *os.File
	noRead, noWrite  bool
	broken           error // why nothing more can be received
	header, envelope [12]byte
}

// Pipe returns the two ends of a pipe. Of a duplex one both send and receive;
// otherwise the first receives and the second sends.
func Pipe(duplex bool) (*Connection, *Connection, error) {
	var fds [2]int
	var err error
	if duplex {
		fds, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	} else {
		err = unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	a, b := os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe")
	return &Connection{f: a, noWrite: !duplex}, &Connection{f: b, noRead: !duplex}, nil
}

// NewConnection returns the connection behind f, which another process has handed
// over.
func NewConnection(f *os.File, reads, writes bool) *Connection {
	return &Connection{f: f, noRead: !reads, noWrite: !writes}
}

// File returns the connection's file, to be handed over.
func (c *Connection) File() *os.File { return c.f }

// Close closes this end. The other one gets io.EOF when it has received what was
// sent. Once it is closed, Close does nothing.
func (c *Connection) Close() error {
	if err := c.f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Send sends a message of any bytes, also of none.
func (c *Connection) Send(b []byte) error {
	if c.noWrite {
		return ErrReadOnly
	}
	head := c.envelope[:4]
	if len(b) <= math.MaxInt32 {
		binary.BigEndian.PutUint32(head, uint32(len(b)))
	} else {
		head = c.envelope[:]
		binary.BigEndian.PutUint32(head, math.MaxUint32)
		binary.BigEndian.PutUint64(head[4:], uint64(len(b)))
	}
	// Together: a header alone would wake the other end for nothing.
	if len(b) <= 16<<10 {
		b, head = append(append(make([]byte, 0, len(head)+len(b)), head...), b...), nil
	}
	if len(head) > 0 {
		if _, err := c.f.Write(head); err != nil {
			return err
		}
	}
	_, err := c.f.Write(b)
	return err
}

// SendPart sends size bytes of b from offset on; -1: all there are.
func (c *Connection) SendPart(b []byte, offset, size int) error {
	switch {
	case c.noWrite:
		return ErrReadOnly
	case offset < 0:
		return errors.New("offset is negative")
	case offset > len(b):
		return errors.New("buffer length < offset")
	case size == -1:
		size = len(b) - offset
	case size < 0:
		return errors.New("size is negative")
	case size > len(b)-offset:
		return errors.New("buffer length < offset + size")
	}
	return c.Send(b[offset:][:size])
}

// Recv receives a message of at most limit bytes; -1: of any length. ErrBadLength: it
// is longer, and the last; a sender learns it if the pipe is one-way. io.EOF: the
// other end is closed, and everything has been received. io.ErrUnexpectedEOF: it was
// closed in the middle of a message.
func (c *Connection) Recv(limit int) ([]byte, error) {
	n, err := c.next()
	if err != nil {
		return nil, err
	}
	if limit >= 0 && n > uint64(limit) {
		return nil, c.badLength()
	}
	return c.body(n)
}

// RecvPieces receives a message of at most limit bytes; -1: of any length. It hands it to
// take in pieces of the size given, of which the last may be shorter, and empty if the
// message is; take is done with a piece when it returns. Errors are those of Recv, and
// take's: what follows cannot be read then.
func (c *Connection) RecvPieces(limit, size int, take func(piece []byte) error) error {
	n, err := c.next()
	if err != nil {
		return err
	}
	if limit >= 0 && n > uint64(limit) {
		return c.badLength()
	}
	b := make([]byte, min(n, uint64(size)))
	for {
		b = b[:min(n, uint64(len(b)))]
		if err := c.fill(b); err != nil {
			return err
		}
		if err := take(b); err != nil {
			c.broken = err
			return err
		}
		if n -= uint64(len(b)); n == 0 {
			return nil
		}
	}
}

// RecvInto receives a message into buf from offset on, and returns its length.
// A *ShortBufferError: it is too long for that; the error has it.
func (c *Connection) RecvInto(buf []byte, offset int) (int, error) {
	switch {
	case c.noRead:
		return 0, ErrWriteOnly
	case offset < 0:
		return 0, errors.New("negative offset")
	case offset > len(buf):
		return 0, errors.New("offset too large")
	}
	n, err := c.next()
	if err != nil {
		return 0, err
	}
	if n <= uint64(len(buf)-offset) {
		return int(n), c.fill(buf[offset:][:n])
	}
	b, err := c.body(n)
	if err != nil {
		return 0, err
	}
	return 0, &ShortBufferError{b}
}

// next reads the length of the next message.
func (c *Connection) next() (uint64, error) {
	if c.noRead {
		return 0, ErrWriteOnly
	}
	if c.broken != nil {
		return 0, c.broken
	}
	head := c.header[:4]
	if _, err := io.ReadFull(c.f, head); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(head)
	if n <= math.MaxInt32 {
		return uint64(n), nil
	}
	if n != math.MaxUint32 {
		return 0, c.badLength()
	}
	if err := c.fill(c.header[4:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(c.header[4:]), nil
}

// badLength has nothing more be received. Of a one-way pipe nobody then waits to send.
func (c *Connection) badLength() error {
	c.broken = ErrBadLength
	if c.noWrite {
		_ = c.Close()
	}
	return c.broken
}

// fill reads all of b, which is part of a message.
func (c *Connection) fill(b []byte) error {
	_, err := io.ReadFull(c.f, b)
	if err == io.EOF && len(b) > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		c.broken = err
	}
	return err
}

// bodyStep bounds what is allocated before it has arrived.
const bodyStep = 16 << 20

// body reads n bytes. What a length says is believed as far as bytes follow.
func (c *Connection) body(n uint64) ([]byte, error) {
	b := make([]byte, min(n, bodyStep))
	if err := c.fill(b); err != nil {
		return nil, err
	}
	for have := uint64(len(b)); have < n; have = uint64(len(b)) {
		b = append(b, make([]byte, min(n-have, have))...)
		if err := c.fill(b[have:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Poll reports whether there is something to receive, a message or the end, and
// waits for that as long as limit; negative: for ever. It takes nothing away.
func (c *Connection) Poll(limit time.Duration) (bool, error) {
	if c.noRead {
		return false, ErrWriteOnly
	}
	if c.broken != nil {
		return false, c.broken
	}
	ready, err := c.poll(limit)
	if err != nil {
		if _, closed := c.f.Read(nil); closed != nil {
			err = closed // as os.ErrClosed, which those of deadlines are not
		}
	}
	return ready, err
}

func (c *Connection) poll(limit time.Duration) (bool, error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return false, err
	}
	until := time.Time{} // of a deadline that has passed nothing would be looked at
	if limit > 0 {
		until = time.Now().Add(limit)
	}
	if err := c.f.SetReadDeadline(until); errors.Is(err, os.ErrNoDeadline) {
		return pollBlocking(raw, limit)
	} else if err != nil {
		return false, err
	}
	defer c.f.SetReadDeadline(time.Time{}) //nolint:errcheck // as it was
	ready, looked := false, false
	look := func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		ready, looked = n > 0 && err == nil, true
		return ready || limit == 0
	}
	err = raw.Read(look)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
		if !looked { // so soon was it over
			err = raw.Control(func(fd uintptr) { look(fd) })
		}
	}
	return ready, err
}

// pollBlocking is poll of a file that the runtime does not watch: another program has
// handed it over, and it blocks.
func pollBlocking(raw syscall.RawConn, limit time.Duration) (ready bool, err error) {
	begin := time.Now()
	cerr := raw.Control(func(fd uintptr) {
		for {
			ms := -1
			if limit >= 0 {
				left := max(0, limit-time.Since(begin))
				ms = int(min((left+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
			}
			var n int
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, ms)
			ready = n > 0
			if err == nil && (ready || limit >= 0 && time.Since(begin) >= limit) || err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	return ready, errors.Join(err, cerr)
}
