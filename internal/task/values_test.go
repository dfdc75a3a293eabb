package task

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// A list that has crossed is the list that was sent, and what follows it is
// left alone.
func TestValuesCross(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 6).Draw(t, "values")
		rest := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "rest")
		v := List(want...)
		if len(want) == 1 && rapid.Bool().Draw(t, "one") {
			v = One(want[0])
		}
		wire := v.AppendWire(nil)
		if len(wire) != v.WireSize() {
			t.Fatalf("%d bytes, WireSize says %d", len(wire), v.WireSize())
		}
		got, after, err := ParseValues(append(wire, rest...))
		if err != nil || !bytes.Equal(after, rest) || got.Len() != len(want) {
			t.Fatalf("%d values, rest %q, %v", got.Len(), after, err)
		}
		for i := range want {
			if !bytes.Equal(got.At(i), want[i]) {
				t.Fatalf("value %d is %q, want %q", i, got.At(i), want[i])
			}
		}
	})
}

// What is accepted encodes to the same bytes.
func FuzzValues(f *testing.F) {
	f.Add(List([]byte("a"), nil, []byte("bc")).AppendWire(nil))
	f.Add(One([]byte("record")).AppendWire(nil))
	f.Add([]byte{0})
	f.Add([]byte{0x81, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := ParseValues(b)
		if err != nil {
			if v.Len() != 0 || rest != nil {
				t.Errorf("an error, and %d values", v.Len())
			}
			return
		}
		if again := append(v.AppendWire(nil), rest...); !bytes.Equal(again, b) {
			t.Errorf("%q encodes to %q", b, again)
		}
	})
}
