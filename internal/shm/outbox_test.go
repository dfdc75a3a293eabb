package shm

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// An outboxModel is an outbox, its reader, and what each must have.
type outboxModel struct {
	out      *Outbox
	reader   *Board // the same memory, mapped again
	received uint64 // how many bytes have come through the pipe
	pending  []byte // those that are committed and have not
	fill     int    // bytes since the outbox was last empty
}

// check is the reader's view of a worker that dies now: what was received and
// the rest are the committed stream, neither more nor less.
func (m *outboxModel) check(t *rapid.T, when string) {
	if !bytes.Equal(m.reader.Rest(m.received), m.pending) {
		t.Fatalf("%s: received %d, rest is not the %d bytes that it should be", when, m.received, len(m.pending))
	}
}

func (m *outboxModel) append(t *rapid.T) {
	room := m.out.Room()
	size := min(room, rapid.OneOf(
		rapid.IntRange(0, 100),
		rapid.IntRange(0, 5000),
		rapid.IntRange(0, 5000),
		rapid.IntRange(0, 5000),
		rapid.IntRange(0, OutboxSize/3),
		rapid.Just(OutboxSize), // all the room there is
	).Draw(t, "size"))
	data := bytes.Repeat([]byte{byte(m.fill), byte(size), rapid.Byte().Draw(t, "fill")}, size/3+1)[:size]
	half := rapid.IntRange(0, size).Draw(t, "half")
	m.out.Append(func(b []byte) []byte {
		b = append(b, data[:half]...)
		m.check(t, "in the middle of Append")
		return append(b, data[half:]...)
	})
	m.pending = append(m.pending, data...)
	m.fill += size
}

// flush lets a pipe take some of what is pending: short writes, and then the
// pipe may be full.
func (m *outboxModel) flush(t *rapid.T) {
	takes := rapid.OneOf(
		rapid.SliceOfN(rapid.IntRange(1, OutboxSize/2), 0, 4),
		rapid.SliceOfN(rapid.IntRange(1, 50), 0, 4),
		rapid.Just([]int{OutboxSize, OutboxSize}), // all of it
	).Draw(t, "takes")
	err := m.out.Flush(func(b []byte) (int, error) {
		if len(b) == 0 {
			t.Fatal("wrote nothing")
		}
		if len(takes) == 0 {
			return -1, unix.EAGAIN
		}
		n := min(len(b), takes[0])
		takes = takes[1:]
		if !bytes.HasPrefix(m.pending, b[:n]) {
			t.Fatal("wrote what is not next")
		}
		m.received, m.pending = m.received+uint64(n), m.pending[n:]
		m.check(t, "in the middle of Flush")
		return n, nil
	})
	if (err == nil) != (len(m.pending) == 0) || err != nil && !errors.Is(err, unix.EAGAIN) {
		t.Fatalf("Flush: %v, %d bytes pending", err, len(m.pending))
	}
	if err == nil {
		m.fill = 0 // rewound
	}
}

func TestOutboxModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, f, err := CreateBoard()
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		reader, err := OpenBoard(int(f.Fd()))
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		m := &outboxModel{out: b.NewOutbox(), reader: reader}
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"flush":  m.flush,
			"": func(t *rapid.T) {
				m.check(t, "afterwards")
				if got, want := m.out.Room(), OutboxSize-m.fill; got != want {
					t.Fatalf("Room = %d, want %d", got, want)
				}
				if got, want := m.out.Pending(), len(m.pending); got != want {
					t.Fatalf("Pending = %d, want %d", got, want)
				}
			},
		})
	})
}

// An outbox that is written out starts at the front of its memory again.
func TestOutboxRewinds(t *testing.T) {
	b, _ := board(t)
	o := b.NewOutbox()
	for i := range uint64(5) {
		var front *byte
		o.Append(func(p []byte) []byte {
			p = append(p, make([]byte, OutboxSize)...)
			front = &p[0]
			return p
		})
		if front != &b.outbox[0] || o.Room() != 0 || b.base.Load() != i*OutboxSize || b.end.Load() != (i+1)*OutboxSize {
			t.Errorf("round %d: base %d, end %d, room %d", i, b.base.Load(), b.end.Load(), o.Room())
		}
		for _, n := range []int{1, OutboxSize - 2, 0, 1} {
			err := o.Flush(func([]byte) (int, error) { return n, unix.EAGAIN })
			if err != unix.EAGAIN {
				t.Errorf("Flush: %v", err)
			}
			if o.Room() != 0 {
				t.Errorf("room for %d bytes before Flush has found all written", o.Room())
			}
		}
		if err := o.Flush(func([]byte) (int, error) { panic("nothing is pending") }); err != nil || o.Room() != OutboxSize {
			t.Errorf("Flush: %v, room %d", err, o.Room())
		}
	}
}

// What is too much, or not in the outbox, is a bug, and is not committed.
func TestOutboxOverrun(t *testing.T) {
	b, _ := board(t)
	o := b.NewOutbox()
	fill := func(n int) func([]byte) []byte {
		return func(p []byte) []byte { return append(p, make([]byte, n)...) }
	}
	mustPanic(t, func() { o.Append(fill(OutboxSize + 1)) })
	mustPanic(t, func() { o.Append(func([]byte) []byte { return []byte("elsewhere") }) })
	o.Append(fill(OutboxSize - 1))
	mustPanic(t, func() { o.Append(fill(2)) })
	o.Append(func([]byte) []byte { return nil })
	o.Append(fill(1))
	mustPanic(t, func() { o.Append(fill(1)) })
	mustPanic(t, func() { o.Append(func([]byte) []byte { return []byte("elsewhere") }) })
	o.Append(fill(0))
	if got := len(b.Rest(0)); got != OutboxSize || o.Room() != 0 {
		t.Errorf("%d bytes committed, room for %d", got, o.Room())
	}
}
