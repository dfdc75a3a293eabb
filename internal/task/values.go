package task

import (
	"encoding/binary"
	"errors"
)

// Values is a list of byte strings. They stand one after another in one slice,
// so that the usual task, a single record, costs no allocation of its own.
// The zero Values is the empty list. Values are not changed once made.
type Values struct {
	data []byte
	ends []uint32 // where each value ends in data; nil: data is the only value
	some bool     // false: the empty list
}

// One returns the list of the single value b, which it keeps.
func One(b []byte) Values { return Values{data: b, some: true} }

// List returns the list of vs, copied.
func List(vs ...[]byte) Values {
	if len(vs) == 0 {
		return Values{}
	}
	v := Values{some: true, ends: make([]uint32, len(vs))}
	for i, b := range vs {
		v.data = append(v.data, b...)
		v.ends[i] = uint32(len(v.data))
	}
	return v
}

// Len returns how many values v holds.
func (v Values) Len() int {
	switch {
	case !v.some:
		return 0
	case v.ends == nil:
		return 1
	}
	return len(v.ends)
}

// At returns value i, counted from 0. The caller must not change it.
func (v Values) At(i int) []byte {
	if v.ends == nil {
		if !v.some || i != 0 {
			panic("bug: value index out of range")
		}
		return v.data
	}
	start := uint32(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.data[start:v.ends[i]:v.ends[i]]
}

// WireSize returns how many bytes AppendWire adds.
func (v Values) WireSize() int {
	n := uvarintLen(uint64(v.Len())) + len(v.data)
	start := uint32(0)
	for _, e := range v.ends {
		n += uvarintLen(uint64(e - start))
		start = e
	}
	if v.some && v.ends == nil {
		n += uvarintLen(uint64(len(v.data)))
	}
	return n
}

// AppendWire appends v as it crosses to a worker: the number of values, the
// length of each, then all their bytes; numbers are unsigned varints.
func (v Values) AppendWire(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(v.Len()))
	start := uint32(0)
	for _, e := range v.ends {
		b = binary.AppendUvarint(b, uint64(e-start))
		start = e
	}
	if v.some && v.ends == nil {
		b = binary.AppendUvarint(b, uint64(len(v.data)))
	}
	return append(b, v.data...)
}

// AppendWireHead appends the beginning of what AppendWire appends for values of these
// sizes: their bytes are to follow.
func AppendWireHead(b []byte, sizes []int) []byte {
	b = binary.AppendUvarint(b, uint64(len(sizes)))
	for _, n := range sizes {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

var errWire = errors.New("malformed value list")

// ParseValues reads what AppendWire wrote and returns the rest of b. The
// values alias b. Anything that AppendWire would not have written is an error.
func ParseValues(b []byte) (v Values, rest []byte, err error) {
	n, b, ok := uvarint(b)
	if !ok || n > uint64(len(b)) {
		return Values{}, nil, errWire
	}
	if n == 0 {
		return Values{}, b, nil
	}
	ends := make([]uint32, 0, n)
	total := uint64(0)
	for range n {
		var l uint64
		if l, b, ok = uvarint(b); !ok || l > 1<<32-1-total {
			return Values{}, nil, errWire
		}
		total += l
		ends = append(ends, uint32(total))
	}
	if total > uint64(len(b)) {
		return Values{}, nil, errWire
	}
	v = Values{data: b[:total:total], some: true}
	if n > 1 {
		v.ends = ends
	}
	return v, b[total:], nil
}

// uvarint reads an unsigned varint in its shortest form.
func uvarint(b []byte) (x uint64, rest []byte, ok bool) {
	x, n := binary.Uvarint(b)
	if n <= 0 || n != uvarintLen(x) {
		return 0, nil, false
	}
	return x, b[n:], true
}

func uvarintLen(x uint64) int {
	n := 1
	for x >= 0x80 {
		x >>= 7
		n++
	}
	return n
}
