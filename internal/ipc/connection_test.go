package ipc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// pipe returns both ends of a pipe, closed when the test ends.
func pipe(t *testing.T, duplex bool) (a, b *Connection) {
	t.Helper()
	a, b, err := Pipe(duplex)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() }) // those that the test has closed are
	return a, b
}

func TestConnection(t *testing.T) {
	a, b := pipe(t, true)
	for _, size := range []int{0, 1, 16 << 10, 16<<10 + 1, 16 << 20} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7)
		}
		echoed := make(chan error, 1)
		go func() {
			m, err := b.Recv(-1)
			if err == nil {
				err = b.Send(m)
			}
			echoed <- err
		}()
		if err := a.Send(want); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Recv(-1); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
		}
		if err := <-echoed; err != nil {
			t.Error(err)
		}
	}
}

// A pipe that is not duplex goes one way.
func TestDuplexFalse(t *testing.T) {
	r, w := pipe(t, false)
	if err := r.Send(nil); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	if _, err := w.Recv(-1); !errors.Is(err, ErrWriteOnly) {
		t.Error(err)
	}
	if _, err := w.Poll(0); !errors.Is(err, ErrWriteOnly) {
		t.Error(err)
	}
	if err := w.Send([]byte("one way")); err != nil {
		t.Error(err)
	}
	if m, err := r.Recv(-1); err != nil || string(m) != "one way" {
		t.Error(m, err)
	}
}

// The other end closed: what was sent first, then the end. Inside a message it is
// another error.
func TestConnectionEnd(t *testing.T) {
	r, w := pipe(t, false)
	if err := w.Send([]byte("last")); err != nil {
		t.Error(err)
	}
	w.Close()
	if ready, err := r.Poll(0); !ready || err != nil {
		t.Error(ready, err)
	}
	if m, err := r.Recv(-1); err != nil || string(m) != "last" {
		t.Error(m, err)
	}
	if ready, err := r.Poll(0); !ready || err != nil {
		t.Error("the end can be received: ", ready, err)
	}
	if _, err := r.Recv(-1); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	for _, torn := range [][]byte{{0, 0}, {0, 0, 0, 2, 'a'}, {255, 255, 255, 255, 0}} {
		r, w := pipe(t, false)
		if _, err := w.f.Write(torn); err != nil {
			t.Error(err)
		}
		w.Close()
		if _, err := r.Recv(-1); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("% x: %v", torn, err)
		}
	}
	r.Close()
	if _, err := r.Recv(-1); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// The errors of a part that is none, and an empty message at the end.
func TestSendPart(t *testing.T) {
	r, w := pipe(t, false)
	latin := []byte("latin")
	for _, c := range []struct {
		offset, size int
		want         string // "!": an error
	}{
		{0, -1, "latin"},
		{2, -1, "tin"},
		{2, 2, "ti"},
		{5, -1, ""},
		{5, 0, ""},
		{6, -1, "!"},
		{5, 1, "!"},
		{-1, -1, "!"},
		{0, -2, "!"},
		{4, 2, "!"},
		{1, 1 << 62, "!"},
	} {
		err := w.SendPart(latin, c.offset, c.size)
		if (err != nil) != (c.want == "!") {
			t.Error(c, err)
		}
		if err != nil {
			continue
		}
		if m, err := r.Recv(-1); err != nil || string(m) != c.want {
			t.Errorf("%+v: %q, %v", c, m, err)
		}
	}
}

// A buffer that is too short costs nothing but the attempt; a limit, the pipe.
func TestRecvInto(t *testing.T) {
	r, w := pipe(t, false)
	for range 4 {
		if err := w.Send([]byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	buf := []byte("..........")
	if n, err := r.RecvInto(buf, 3); n != 7 || err != nil || string(buf) != "...message" {
		t.Errorf("%d, %v: %q", n, err, buf)
	}
	var short *ShortBufferError
	if _, err := r.RecvInto(buf, 4); !errors.As(err, &short) || string(short.Message) != "message" {
		t.Error(err)
	}
	for _, offset := range []int{-1, 11} {
		if _, err := r.RecvInto(buf, offset); err == nil {
			t.Error("offset ", offset)
		}
	}
	if m, err := r.Recv(7); err != nil || string(m) != "message" {
		t.Error(m, err)
	}
	for range 2 { // and it stays so
		if _, err := r.Recv(6); !errors.Is(err, ErrBadLength) {
			t.Error(err)
		}
	}
}

// After a message that is too long nothing is to be had; who sends on a one-way pipe
// learns it and does not wait for ever.
func TestBadLength(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		r, w := pipe(t, duplex)
		if err := w.Send([]byte("message")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Recv(6); !errors.Is(err, ErrBadLength) {
			t.Error(err)
		}
		if ready, err := r.Poll(0); ready || !errors.Is(err, ErrBadLength) {
			t.Error(ready, err)
		}
		if _, err := r.RecvInto(nil, 0); !errors.Is(err, ErrBadLength) {
			t.Error(err)
		}
		if duplex {
			if err := r.Send([]byte("it sends")); err != nil {
				t.Error(err)
			}
		} else if err := w.Send(make([]byte, 1<<20)); !errors.Is(err, unix.EPIPE) {
			t.Error(err)
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// What a connection cannot do comes before what is wrong with how it is asked.
func TestOneWayFirst(t *testing.T) {
	r, w := pipe(t, false)
	if err := r.SendPart(nil, -1, -1); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	if _, err := w.RecvInto(nil, -1); !errors.Is(err, ErrWriteOnly) {
		t.Error(err)
	}
}

// The length of a message that is longer than 2 GiB has 8 bytes more.
func TestSendLong(t *testing.T) {
	r, w := pipe(t, false)
	sent := make(chan error, 1)
	go func() { sent <- w.Send(make([]byte, math.MaxInt32+1)) }() // of which few pages are touched
	head := make([]byte, 12)
	if _, err := io.ReadFull(r.f, head); err != nil {
		t.Error(err)
	}
	if want := []byte{255, 255, 255, 255, 0, 0, 0, 0, 128, 0, 0, 0}; !bytes.Equal(head, want) {
		t.Errorf("% x", head)
	}
	r.Close()
	if err := <-sent; !errors.Is(err, unix.EPIPE) {
		t.Error(err)
	}
}

// Who waits to receive, or polls, when the connection is closed here gets an error.
func TestCloseDuring(t *testing.T) {
	for _, wait := range []func(*Connection) error{
		func(c *Connection) error { _, err := c.Recv(-1); return err },
		func(c *Connection) error { _, err := c.Poll(-1); return err },
		func(c *Connection) error { return c.Send(make([]byte, 16<<20)) },
	} {
		a, b := pipe(t, true)
		done := make(chan error, 1)
		go func() { done <- wait(a) }()
		if err := b.Send(nil); err != nil { // a header, or nothing that it waits for
			t.Error(err)
		}
		a.Close()
		if err := <-done; err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
		if ready, err := a.Poll(0); ready || !errors.Is(err, os.ErrClosed) {
			t.Error(ready, err)
		}
	}
}

// Poll waits for a message, and takes nothing away.
func TestPoll(t *testing.T) {
	r, w := pipe(t, false)
	begin := time.Now()
	if ready, err := r.Poll(20 * time.Millisecond); ready || err != nil || time.Since(begin) < 20*time.Millisecond {
		t.Error(ready, err, time.Since(begin))
	}
	if ready, err := r.Poll(0); ready || err != nil {
		t.Error(ready, err)
	}
	if err := w.Send(nil); err != nil {
		t.Error(err)
	}
	for range 100 { // however short, it looks
		if ready, err := r.Poll(1); !ready || err != nil {
			t.Fatal(ready, err)
		}
	}
	if _, err := r.Recv(-1); err != nil {
		t.Error(err)
	}
	polled := make(chan bool, 1)
	go func() {
		ready, _ := r.Poll(-1)
		polled <- ready
	}()
	for _, m := range []string{"", "a", "bc"} { // an empty one counts, and none is merged
		if err := w.Send([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	if !<-polled {
		t.Error("nothing there")
	}
	for _, want := range []string{"", "a", "bc"} {
		for range 2 {
			if ready, err := r.Poll(0); !ready || err != nil {
				t.Error(ready, err)
			}
		}
		if m, err := r.Recv(-1); err != nil || string(m) != want {
			t.Errorf("%q, %v; want %q", m, err, want)
		}
	}
	if ready, err := r.Poll(0); ready || err != nil {
		t.Error(ready, err)
	}
}

// A pipe that another program has made blocks, and is polled all the same.
func TestPollBlocking(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w := NewConnection(os.NewFile(uintptr(fds[0]), "r"), true, false), NewConnection(os.NewFile(uintptr(fds[1]), "w"), false, true)
	defer r.Close()
	defer w.Close()
	begin := time.Now()
	if ready, err := r.Poll(20 * time.Millisecond); ready || err != nil || time.Since(begin) < 20*time.Millisecond {
		t.Error(ready, err, time.Since(begin))
	}
	if ready, err := r.Poll(0); ready || err != nil {
		t.Error(ready, err)
	}
	sent := make(chan error, 1)
	go func() { sent <- w.Send([]byte("x")) }()
	for _, limit := range []time.Duration{-1, 0, 1, time.Minute} {
		if ready, err := r.Poll(limit); !ready || err != nil {
			t.Error(limit, ready, err)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if m, err := r.Recv(-1); err != nil || string(m) != "x" {
		t.Error(m, err)
	}
	r.Close()
	if ready, err := r.Poll(0); ready || !errors.Is(err, os.ErrClosed) {
		t.Error(ready, err)
	}
}

// However the bytes of a stream arrive, its messages are those that were sent.
func TestConnectionStream(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		messages := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 20).Draw(rt, "messages")
		var stream []byte
		for i, m := range messages {
			if i%5 == 4 { // as Python sends what is longer than 2 GiB
				stream = binary.BigEndian.AppendUint64(append(stream, 255, 255, 255, 255), uint64(len(m)))
			} else {
				stream = binary.BigEndian.AppendUint32(stream, uint32(len(m)))
			}
			stream = append(stream, m...)
		}
		r, w, err := Pipe(true)
		if err != nil {
			rt.Fatal(err)
		}
		defer r.Close()
		seed := rapid.Uint64().Draw(rt, "seed")
		go func() {
			defer w.Close()
			rng := rand.New(rand.NewPCG(seed, 0))
			for len(stream) > 0 {
				n := min(len(stream), 1+rng.IntN(40))
				if _, err := w.f.Write(stream[:n]); err != nil {
					return
				}
				stream = stream[n:]
			}
		}()
		for i, want := range messages {
			if m, err := r.Recv(-1); err != nil || !bytes.Equal(m, want) {
				rt.Fatalf("message %d: %q, %v; want %q", i, m, err, want)
			}
		}
		if m, err := r.Recv(-1); !errors.Is(err, io.EOF) {
			rt.Fatalf("after the last: %q, %v", m, err)
		}
	})
}

// A length that nothing follows is not believed.
func FuzzRecv(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'a'})
	f.Add([]byte{255, 255, 255, 255, 0, 0, 255, 0, 0, 0, 0, 0})
	f.Add([]byte{127, 255, 255, 255, 1})
	f.Add([]byte{128, 0, 0, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r, w := pipe(t, false)
		go func() {
			_, _ = w.f.Write(stream)
			w.Close()
		}()
		var again []byte
		for {
			m, err := r.Recv(-1)
			if err != nil {
				break
			}
			again = append(binary.BigEndian.AppendUint32(again, uint32(len(m))), m...)
		}
		if !bytes.HasPrefix(stream, again) && !bytes.Contains(stream, []byte{255, 255, 255, 255}) {
			t.Errorf("% x was read as % x", stream, again)
		}
	})
}

// A message comes in pieces of a size, the last as it is; one that is empty, too.
func TestRecvPieces(t *testing.T) {
	to, from := pipe(t, false)
	for _, text := range []string{"", "a", "abc", "abcd", "abcdef", "abcdefg"} {
		if err := from.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		var got []string
		err := to.RecvPieces(-1, 3, func(piece []byte) error {
			got = append(got, string(piece))
			return nil
		})
		if err != nil || len(got) != max(1, (len(text)+2)/3) || strings.Join(got, "") != text || len(got[0]) != min(3, len(text)) {
			t.Errorf("%q comes as %q, %v", text, got, err)
		}
	}
	enough := errors.New("enough")
	if err := from.Send([]byte("abcdefg")); err != nil {
		t.Fatal(err)
	}
	if err := to.RecvPieces(-1, 3, func([]byte) error { return enough }); err != enough {
		t.Errorf("not what take returned: %v", err)
	}
	if _, err := to.Recv(-1); err != enough {
		t.Errorf("after a message of which there is more: %v", err)
	}
}
