package task

import (
	"bytes"
	"testing"
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
