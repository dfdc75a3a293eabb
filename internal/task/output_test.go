package task

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTail(t *testing.T) {
	s := NewStore(t.TempDir())
	defer s.Close()
	var o, other Output
	defer o.Release()
	defer other.Release()
	var all []byte
	for i := range 40 { // some in memory, the rest in extents with another's between
		p := bytes.Repeat([]byte{byte('a' + i)}, 5000)
		all = append(all, p...)
		for _, err := range []error{o.Append(s, p), other.Append(s, bytes.Repeat(p, 20))} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(o.extents) < 2 {
		t.Fatalf("%d extents, want several", len(o.extents))
	}
	for _, n := range []int64{0, 1, 4999, 5000, 5001, 100_000, int64(len(all)) - 1, int64(len(all)), 1 << 30} {
		got, err := o.Tail(n)
		if want := all[len(all)-int(min(n, int64(len(all)))):]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("Tail(%d): %d bytes, %v; want the last %d", n, len(got), err, len(want))
		}
	}
	var empty Output
	if got, err := empty.Tail(10); len(got) > 0 || err != nil {
		t.Errorf("Tail of nothing: %q, %v", got, err)
	}
}

// A store leaves room on the disk to others: what fits in memory is kept, and what was
// written stays.
func TestSpare(t *testing.T) {
	s := NewStore(t.TempDir())
	defer s.Close()
	var o, other Output
	defer o.Release()
	defer other.Release()
	large := bytes.Repeat([]byte("x"), memPerOutput+1)
	if err := o.Append(s, large); err != nil {
		t.Fatal(err)
	}
	s.Spare = 1 << 62
	if err := other.Append(s, large); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("beyond the room there is: %v", err)
	}
	if err := other.Append(s, []byte("small")); err != nil || other.Size() != 5 {
		t.Errorf("what fits in memory: %v, %d bytes", err, other.Size())
	}
	if got, err := o.Tail(o.Size()); err != nil || !bytes.Equal(got, large) {
		t.Errorf("what was written: %d bytes, %v", len(got), err)
	}
}

// The room of outputs that are much smaller than a block of the disk comes back, too.
func TestReleaseRoom(t *testing.T) {
	s := NewStore(t.TempDir())
	defer s.Close()
	s.mem = memPerStore // all goes to the file
	const n, size = 10_000, 100
	outputs := make([]Output, n)
	for i := range outputs {
		if err := outputs[i].Append(s, bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range outputs[:n-1] {
		outputs[i].Release()
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(s.file.Fd()), &st); err != nil || st.Blocks*512 > segment {
		t.Errorf("%d bytes are left of %d, %v", st.Blocks*512, n*size, err)
	}
	last := &outputs[n-1]
	if got, err := last.Tail(size); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{(n - 1) % 256}, size)) {
		t.Errorf("the last: %q, %v", got, err)
	}
	last.Release()
	if s.end != 0 || len(s.used) != 0 {
		t.Errorf("the end is at %d, with %d segments in use", s.end, len(s.used))
	}
}
