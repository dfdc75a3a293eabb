package shm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Type is the type of a value or of an array's items.
type Type uint32

// The types, by their names i8 … f64.
const (
	I8 Type = iota + 1
	I16
	I32
	I64
	U8
	U16
	U32
	U64
	F32
	F64
)

var typeNames = [...]string{I8: "i8", I16: "i16", I32: "i32", I64: "i64", U8: "u8", U16: "u16", U32: "u32", U64: "u64", F32: "f32", F64: "f64"}

func (t Type) String() string {
	if int(t) < len(typeNames) && t > 0 {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// ParseType returns the type of that name.
func ParseType(name string) (Type, bool) {
	for t, n := range typeNames {
		if n == name && n != "" {
			return Type(t), true
		}
	}
	return 0, false
}

// Size returns how many bytes a t takes.
func (t Type) Size() int {
	switch t {
	case I8, U8:
		return 1
	case I16, U16:
		return 2
	case I32, U32, F32:
		return 4
	}
	return 8
}

// A RangeError is a number that a type cannot hold. (Python's wraps around, or
// takes what is no number of that type.)
type RangeError struct {
	Text string
	Type Type
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%s is no %v: %s", e.Text, e.Type, e.Type.Range())
}

// Parse reads text as a t, as bits.
func (t Type) Parse(text string) (bits uint64, err error) {
	switch t {
	case I8, I16, I32, I64:
		var n int64
		n, err = strconv.ParseInt(text, 10, 8*t.Size())
		bits = uint64(n)
	case U8, U16, U32, U64:
		bits, err = strconv.ParseUint(text, 10, 8*t.Size())
	case F32, F64:
		var x float64
		x, err = strconv.ParseFloat(text, 8*t.Size())
		bits = t.ofFloat(x)
	default:
		return 0, fmt.Errorf("%v: %w", t, ErrDamaged)
	}
	if err != nil {
		return 0, &RangeError{text, t}
	}
	return bits, nil
}

// Range says which numbers a t may be.
func (t Type) Range() string {
	switch t {
	case I8, I16, I32, I64:
		least := int64(-1) << (8*t.Size() - 1)
		return fmt.Sprintf("%d to %d", least, ^least)
	case F32:
		return fmt.Sprintf("a number of at most ±%g, inf or nan", math.MaxFloat32)
	case F64:
		return fmt.Sprintf("a number of at most ±%g, inf or nan", math.MaxFloat64)
	}
	return fmt.Sprintf("0 to %d", t.most())
}

func (t Type) ofFloat(x float64) uint64 {
	if t == F32 {
		return uint64(math.Float32bits(float32(x)))
	}
	return math.Float64bits(x)
}

func (t Type) float(bits uint64) float64 {
	if t == F32 {
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

// Text returns bits as they are read.
func (t Type) Text(bits uint64) string {
	switch t {
	case I8, I16, I32, I64:
		return strconv.FormatInt(int64(bits), 10)
	case F32, F64:
		return strconv.FormatFloat(t.float(bits), 'g', -1, 8*t.Size())
	}
	return strconv.FormatUint(bits, 10)
}

// A Delta is what can be added to a t: a t or, as counters go down, too, the
// negative of an unsigned one.
type Delta struct {
	bits uint64
	down bool // of an unsigned type: subtract
}

// ParseDelta reads text as what can be added to a t.
func (t Type) ParseDelta(text string) (d Delta, err error) {
	digits, negative := strings.CutPrefix(text, "-")
	if d.down = negative && t.unsigned(); !d.down {
		digits = text
	}
	if d.bits, err = t.Parse(digits); err != nil {
		return d, &RangeError{text, t}
	}
	return d, nil
}

func (t Type) unsigned() bool { return t >= U8 && t <= U64 }

// add returns a + d. A sum that t cannot hold is a *RangeError; one of floats can
// be infinite, as is IEEE 754's way.
func (t Type) add(a uint64, d Delta) (uint64, error) {
	sum, sign := a+d.bits, " + "
	var over bool
	switch {
	case t == F32 || t == F64:
		return t.ofFloat(t.float(a) + t.float(d.bits)), nil
	case d.down:
		sum, sign, over = a-d.bits, " - ", d.bits > a
	case t.unsigned():
		over = sum < a || sum > t.most()
	default:
		over = int64((a^sum)&(d.bits^sum)) < 0 || t.widen(sum) != sum // its sign is neither's; or it is too wide
	}
	if over {
		return 0, &RangeError{t.Text(a) + sign + t.Text(d.bits), t}
	}
	return sum, nil
}

// most returns the highest number of an unsigned t.
func (t Type) most() uint64 { return ^uint64(0) >> (64 - 8*t.Size()) }

// same reports whether a and b are the same number: floats as == has it, but NaN
// is NaN.
func (t Type) same(a, b uint64) bool {
	if t != F32 && t != F64 {
		return a == b
	}
	x, y := t.float(a), t.float(b)
	return x == y || math.IsNaN(x) && math.IsNaN(y)
}

// widen returns the bits of a t, which lie in the low bytes, as those of a number:
// with their sign.
func (t Type) widen(bits uint64) uint64 {
	switch t {
	case I8:
		return uint64(int8(bits))
	case I16:
		return uint64(int16(bits))
	case I32:
		return uint64(int32(bits))
	}
	return bits
}
