package task

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRingOrder(t *testing.T) {
	r := NewRing[string](7)
	r.Put(9, "c")
	if _, ok := r.Pop(); ok {
		t.Fatal("Pop gave an item before its turn")
	}
	r.Put(7, "a")
	if v, ok := r.Pop(); !ok || v != "a" {
		t.Fatalf("Pop = %q, %v; want a", v, ok)
	}
	r.Skip(1) // 8 goes another way
	if v, ok := r.Pop(); !ok || v != "c" {
		t.Fatalf("Pop = %q, %v; want c", v, ok)
	}
	if _, ok := r.Pop(); ok || r.Len() != 0 || r.Next() != 10 {
		t.Fatalf("after all: len %d, next %d", r.Len(), r.Next())
	}
}

func TestRingMisuse(t *testing.T) {
	for name, misuse := range map[string]func(*Ring[int]){
		"twice":   func(r *Ring[int]) { r.Put(3, 0) },
		"past":    func(r *Ring[int]) { r.Put(0, 0) },
		"far":     func(r *Ring[int]) { r.Put(1<<63, 0) },
		"skipped": func(r *Ring[int]) { r.Skip(1); r.Skip(1); r.Skip(1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			r := NewRing[int](1)
			r.Put(3, 0)
			misuse(r)
		})
	}
}

// Whatever the order in which a window of items comes, they leave in theirs.
func TestRingProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Max(1<<40).Draw(t, "first")
		n := rapid.IntRange(0, 300).Draw(t, "n")
		window := rapid.IntRange(1, 100).Draw(t, "window")
		r := NewRing[uint64](first)
		var pending, got []uint64
		for read := 0; len(got) < n; {
			for ; read < n && len(pending)+r.Len() < window; read++ {
				pending = append(pending, first+uint64(read))
			}
			i := rapid.IntRange(0, len(pending)-1).Draw(t, "i")
			r.Put(pending[i], pending[i])
			pending = slices.Delete(pending, i, i+1)
			for v, ok := r.Pop(); ok; v, ok = r.Pop() {
				got = append(got, v)
			}
		}
		for i, v := range got {
			if v != first+uint64(i) {
				t.Fatalf("item %d is %d, want %d", i, v, first+uint64(i))
			}
		}
		if len(r.slots) > 256 {
			t.Fatalf("a window of %d took %d slots", window, len(r.slots))
		}
	})
}

func BenchmarkRing(b *testing.B) {
	r := NewRing[uint64](0)
	for n := uint64(0); b.Loop(); n += 2 {
		r.Put(n+1, n)
		r.Put(n, n)
		r.Pop()
		r.Pop()
	}
}
