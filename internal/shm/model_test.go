package shm

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// The model of an event: whether it is set, and how often it has become so. Those
// who wait are a list of how often it had when they began.
func TestEventModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		e, err := d.OpenEvent("e")
		noError(t, err)
		defer e.Close()
		defer e.Remove() //nolint:errcheck // the next round would notice
		set, times := false, 0
		type waiter struct {
			first uint32
			times int
		}
		var waiters []waiter
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				noError(t, e.Set())
				if !set {
					set, times = true, times+1
				}
			},
			"clear": func(t *rapid.T) {
				noError(t, e.Clear())
				set = false
			},
			"begin to wait": func(t *rapid.T) {
				first, err := e.generation()
				noError(t, err)
				waiters = append(waiters, waiter{first, times})
			},
			"": func(t *rapid.T) {
				if got, err := e.IsSet(); err != nil || got != set {
					t.Fatalf("set is %v, %v; want %v", got, err, set)
				}
				for i, w := range waiters {
					err := e.waitSince(w.first, WaitFor(0))
					if want := set || times > w.times; want != (err == nil) || !want && !errors.Is(err, ErrTimeout) {
						t.Fatalf("waiter %d: %v, want woken %v", i, err, want)
					}
				}
			},
		})
	})
}

func noError(t interface{ Fatal(args ...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// The model of a semaphore is a number.
func TestSemaphoreModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint32Range(0, 5).Draw(t, "first")
		bounded := rapid.Bool().Draw(t, "bounded")
		if !bounded && rapid.Bool().Draw(t, "nearly full") {
			first = MaxSemaphore - first
		}
		s, err := d.MakeSemaphore("s", first, bounded)
		noError(t, err)
		defer s.Close()
		defer s.Remove() //nolint:errcheck // the next round would notice
		now := first
		t.Repeat(map[string]func(*rapid.T){
			"acquire": func(t *rapid.T) {
				err := s.Acquire(WaitFor(0))
				if now == 0 {
					if !errors.Is(err, ErrTimeout) {
						t.Fatal("acquired from 0: ", err)
					}
					return
				}
				noError(t, err)
				now--
			},
			"release": func(t *rapid.T) {
				err := s.Release()
				if bounded && now == first || now == MaxSemaphore {
					if !errors.Is(err, ErrReleased) {
						t.Fatal("released above its bound: ", err)
					}
					return
				}
				noError(t, err)
				now++
			},
			"": func(t *rapid.T) {
				if got, err := s.Value(); err != nil || got != now {
					t.Fatalf("%d, %v; want %d", got, err, now)
				}
			},
		})
	})
}

var allTypes = []Type{I8, I16, I32, I64, U8, U16, U32, U64, F32, F64}

// integers draws numbers in and around all types' ranges, as text.
var integers = rapid.Custom(func(t *rapid.T) string {
	n := big.NewInt(int64(rapid.IntRange(-3, 3).Draw(t, "away")))
	if shift := rapid.SampledFrom([]uint{0, 0, 7, 8, 15, 16, 31, 32, 63, 64}).Draw(t, "bits"); shift > 0 {
		edge := new(big.Int).Lsh(big.NewInt(1), shift)
		if rapid.Bool().Draw(t, "negative") {
			edge.Neg(edge)
		}
		n.Add(n, edge)
	}
	return n.String()
})

// A modelNumber is an integer of a type, without a limit to its bits.
type modelNumber struct{ n, least, most *big.Int }

func newModelNumber(t Type) *modelNumber {
	one, m := big.NewInt(1), &modelNumber{new(big.Int), new(big.Int), new(big.Int)}
	bits := uint(8 * t.Size())
	if !t.unsigned() {
		bits--
		m.least.Lsh(one, bits).Neg(m.least)
	}
	m.most.Sub(m.most.Lsh(one, bits), one)
	return m
}

func (m *modelNumber) holds(n *big.Int) bool { return n.Cmp(m.least) >= 0 && n.Cmp(m.most) <= 0 }

func bigInt(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		panic("bug: " + text)
	}
	return n
}

// TestIntegerModel holds values of all integer types against numbers that have no
// limit: what a type cannot hold is refused, and changes nothing.
func TestIntegerModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(allTypes[:8]).Draw(t, "type")
		m := newModelNumber(typ)
		made, err := d.MakeValue("v", typ, 0)
		noError(t, err)
		defer made.Close()
		defer made.Remove() //nolint:errcheck // the next round would notice
		v, err := d.OpenValue("v")
		noError(t, err)
		defer v.Close()
		parse := func(t *rapid.T, text string) (bits uint64, ok bool) {
			bits, err := typ.Parse(text)
			var out *RangeError
			if ok = m.holds(bigInt(text)); ok != (err == nil) || !ok && !errors.As(err, &out) {
				t.Fatalf("%s as %v: %v", text, typ, err)
			}
			return bits, ok
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				text := integers.Draw(t, "number")
				if bits, ok := parse(t, text); ok {
					noError(t, v.Set(bits))
					m.n = bigInt(text)
				}
			},
			"add": func(t *rapid.T) {
				text := integers.Draw(t, "number")
				delta, err := typ.ParseDelta(text)
				size := new(big.Int).Abs(bigInt(text))
				if ok := m.holds(bigInt(text)) || typ.unsigned() && m.holds(size); ok != (err == nil) {
					t.Fatalf("%s to be added to %v: %v", text, typ, err)
				}
				if err != nil {
					return
				}
				want := new(big.Int).Add(m.n, bigInt(text))
				got, err := v.Add(delta)
				switch {
				case !m.holds(want) && err == nil:
					t.Fatalf("%v + %s is %s", m.n, text, typ.Text(got))
				case m.holds(want):
					m.n = want
					if err != nil || typ.Text(got) != want.String() {
						t.Fatalf("sum %s, %v; want %v", typ.Text(got), err, want)
					}
				}
			},
			"cas": func(t *rapid.T) {
				old := rapid.SampledFrom([]string{m.n.String(), integers.Draw(t, "other")}).Draw(t, "old")
				text := integers.Draw(t, "new")
				oldBits, ok1 := parse(t, old)
				bits, ok2 := parse(t, text)
				if !ok1 || !ok2 {
					return
				}
				now, ok, err := v.Swap(oldBits, bits)
				if want := m.n.Cmp(bigInt(old)) == 0; err != nil || ok != want {
					t.Fatalf("swapped %v, %v; want %v", ok, err, want)
				}
				if ok {
					m.n = bigInt(text)
				}
				if typ.Text(now) != m.n.String() {
					t.Fatalf("it is %s, want %v", typ.Text(now), m.n)
				}
			},
			"": func(t *rapid.T) {
				if got, err := v.Get(); err != nil || typ.Text(got) != m.n.String() {
					t.Fatalf("%s, %v; want %v", typ.Text(got), err, m.n)
				}
			},
		})
	})
}

var floats = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), 1e300, 1e30}))

// What a float prints it also reads, bit by bit, and its sum is that of Go's +.
func TestFloatModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]Type{F32, F64}).Draw(t, "type")
		round := func(x float64) float64 {
			if typ == F32 {
				return float64(float32(x))
			}
			return x
		}
		a, b := round(floats.Draw(t, "a")), round(floats.Draw(t, "b"))
		v, err := d.MakeValue("v", typ, typ.ofFloat(a))
		noError(t, err)
		defer v.Close()
		defer v.Remove() //nolint:errcheck // the next round would notice
		again, err := typ.Parse(typ.Text(typ.ofFloat(a)))
		if err != nil || again != typ.ofFloat(a) && !math.IsNaN(a) {
			t.Fatalf("%g is read as %g, %v", a, typ.float(again), err)
		}
		delta, err := typ.ParseDelta(typ.Text(typ.ofFloat(b)))
		noError(t, err)
		sum, err := v.Add(delta)
		if want := round(a + b); err != nil || !typ.same(sum, typ.ofFloat(want)) {
			t.Fatalf("%g + %g is %g, %v; want %g", a, b, typ.float(sum), err, want)
		}
		if _, ok, err := v.Swap(sum, typ.ofFloat(a)); !ok || err != nil {
			t.Fatalf("the sum is not itself: %v, %v", ok, err)
		}
		if text := strconv.FormatFloat(math.MaxFloat64, 'g', -1, 64); typ == F32 {
			if _, err := typ.Parse(text); err == nil {
				t.Fatalf("%s is an f32", text)
			}
		}
	})
}

// The model of an array is a slice.
func TestArrayModel(t *testing.T) {
	d := testDir(t)
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(allTypes).Draw(t, "type")
		// Bits as they come back: those that a number of the type has.
		number := rapid.Custom(func(t *rapid.T) uint64 {
			bits := rapid.Uint64().Draw(t, "bits")
			if n := 8 * typ.Size(); n < 64 {
				bits &= 1<<n - 1
			}
			return typ.widen(bits)
		})
		model := rapid.SliceOfN(number, 0, 9).Draw(t, "items")
		a, err := makeModelArray(d, typ, model, rapid.Bool().Draw(t, "zeros"))
		noError(t, err)
		defer a.Close()
		defer a.Remove() //nolint:errcheck // the next round would notice
		b, err := d.OpenArray("a")
		noError(t, err)
		defer b.Close()
		if b.Len() != len(model) || b.Type() != typ {
			t.Fatalf("%d of %v, want %d of %v", b.Len(), b.Type(), len(model), typ)
		}
		place := rapid.IntRange(-12, 12)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				from, items := place.Draw(t, "from"), rapid.SliceOfN(number, 0, 4).Draw(t, "items")
				err := a.Set(from, items...)
				var out *IndexError
				if ok := from >= 0 && from+len(items) <= len(model); ok != (err == nil) || !ok && !errors.As(err, &out) {
					t.Fatal(from, len(items), err)
				}
				if err == nil {
					copy(model[from:], items)
				}
			},
			"index": func(t *rapid.T) {
				i := place.Draw(t, "i")
				at, err := b.Index(i)
				if ok := i >= -len(model) && i < len(model); ok != (err == nil) || ok && (at-i)%max(len(model), 1) != 0 {
					t.Fatalf("%d of %d: %d, %v", i, len(model), at, err)
				}
			},
			"slice": func(t *rapid.T) {
				start, end := place.Draw(t, "start"), place.Draw(t, "end")
				items, err := b.Get(b.Bounds(start, end))
				if want := pythonSlice(model, start, end); err != nil || !slices.Equal(items, want) {
					t.Fatalf("[%d:%d] of %x: %x, %v; want %x", start, end, model, items, err, want)
				}
			},
			"": func(t *rapid.T) {
				if items, err := b.Get(0, b.Len()); err != nil || !slices.Equal(items, model) {
					t.Fatalf("%x, %v; want %x", items, err, model)
				}
			},
		})
	})
}

// makeModelArray makes an array of the model's items, or of zeros, which the model
// then has, too.
func makeModelArray(d *Dir, typ Type, model []uint64, zeros bool) (*Array, error) {
	if !zeros {
		return d.MakeArrayOf("a", typ, model)
	}
	clear(model)
	return d.MakeArray("a", typ, len(model))
}

// pythonSlice is the list of those items whose index, from either end, lies
// between start and end.
func pythonSlice(items []uint64, start, end int) []uint64 {
	out := []uint64{}
	for i, x := range items {
		if beyond(i, start, len(items)) && !beyond(i, end, len(items)) {
			out = append(out, x)
		}
	}
	return out
}

// beyond reports whether the item i of n is at or behind bound.
func beyond(i, bound, n int) bool {
	if bound < 0 {
		return i-n >= bound
	}
	return i >= bound
}

func TestArrayTooLong(t *testing.T) {
	d := testDir(t)
	for _, n := range []int{-1, math.MaxInt, math.MaxInt / 8, 1 << 50} {
		if a, err := d.MakeArray("a", F64, n); err == nil {
			a.Close()
			t.Errorf("made one of %d", n)
		}
	}
	if names, err := d.Names(); len(names) > 0 || err != nil {
		t.Errorf("%q left, %v", names, err)
	}
}
