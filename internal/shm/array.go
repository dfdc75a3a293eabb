package shm

import (
	"fmt"
	"math"
	"unsafe"
)

// An Array is a row of numbers that processes share, each of which is read and
// written in one step. Its data are the numbers themselves, as C has them, so that
// other programs can map the file.
//
//	64  type (u32)    72  length (u64)
type Array struct {
	*Object
	t Type
	n int
}

// An IndexError says that an array has no item of that index (Python: IndexError).
type IndexError struct{ Index, Len int }

func (e *IndexError) Error() string {
	return fmt.Sprintf("index %d is out of range: the array has %d items", e.Index, e.Len)
}

// MakeArray makes the array name of n items, which are 0.
func (d *Dir) MakeArray(name string, t Type, n int) (*Array, error) {
	return d.makeArray(name, t, n, nil)
}

// MakeArrayOf makes the array name of items, as bits.
func (d *Dir) MakeArrayOf(name string, t Type, items []uint64) (*Array, error) {
	return d.makeArray(name, t, len(items), items)
}

func (d *Dir) makeArray(name string, t Type, n int, items []uint64) (*Array, error) {
	if n < 0 || n > (math.MaxInt-dataOffset)/t.Size() {
		return nil, fmt.Errorf("no array has %d items", n)
	}
	a := &Array{t: t, n: n}
	o, err := d.Make(name, KindArray, n*t.Size(), func(o *Object) {
		o.uint32At(ownOffset).Store(uint32(t))
		o.uint64At(ownOffset + 8).Store(uint64(n))
		a.Object = o
		for i, bits := range items {
			a.store(i, bits)
		}
	})
	if err != nil {
		return nil, err
	}
	a.Object = o
	return a, nil
}

// OpenArray opens the array name.
func (d *Dir) OpenArray(name string) (*Array, error) {
	o, err := d.Open(name, KindArray)
	if err != nil {
		return nil, err
	}
	a, err := o.array()
	if err != nil {
		o.Close()
		return nil, err
	}
	return a, nil
}

// array reads what is an array's own, and holds it against the file's size: the
// bounds of all items rest on it.
func (o *Object) array() (*Array, error) {
	t, err := o.numberType()
	if err != nil {
		return nil, err
	}
	n := uint64(len(o.b)-dataOffset) / uint64(t.Size())
	err = o.touching(func() error {
		if o.uint64At(ownOffset+8).Load() != n || uint64(len(o.b)-dataOffset)%uint64(t.Size()) != 0 {
			return ErrDamaged
		}
		return nil
	})
	return &Array{o, t, int(n)}, err
}

// Type returns the type of a's items.
func (a *Array) Type() Type { return a.t }

// Len returns how many items a has.
func (a *Array) Len() int { return a.n }

// Path returns the path of a's file.
func (a *Array) Path() string { return a.dir.file(a.Name) }

// Index returns the place of the item i, which counts from the end if it is
// negative, as Python's. *IndexError: there is none.
func (a *Array) Index(i int) (int, error) {
	at := i
	if i < 0 {
		at += a.n
	}
	if at < 0 || at >= a.n {
		return 0, &IndexError{i, a.n}
	}
	return at, nil
}

// Bounds returns the bounds of Python's slice [start:end]: negative ones count
// from the end, and what is beyond an end is that end.
func (a *Array) Bounds(start, end int) (from, to int) {
	clip := func(i int) int {
		if i < 0 {
			i += a.n
		}
		return min(max(i, 0), a.n)
	}
	from = clip(start)
	return from, max(from, clip(end))
}

// Get returns the items from place from until before to, as bits, each of them
// read in one step.
func (a *Array) Get(from, to int) (items []uint64, err error) {
	if err := a.inside(from, to); err != nil {
		return nil, err
	}
	items = make([]uint64, to-from)
	err = a.touching(func() error {
		for i := range items {
			items[i] = a.load(from + i)
		}
		return nil
	})
	return items, err
}

// Set sets the items from place from on, one after another. *IndexError: there are
// not so many, and none has been set.
func (a *Array) Set(from int, items ...uint64) error {
	if err := a.inside(from, from+len(items)); err != nil {
		return err
	}
	return a.touching(func() error {
		for i, bits := range items {
			a.store(from+i, bits)
		}
		return nil
	})
}

// inside checks that a has the places from until before to.
func (a *Array) inside(from, to int) error {
	switch {
	case from < 0 || from > to:
		return &IndexError{from, a.n}
	case to > a.n:
		return &IndexError{max(from, a.n), a.n}
	}
	return nil
}

// load returns the item i, with the sign of what is narrower than 64 bits.
func (a *Array) load(i int) uint64 {
	at := dataOffset + i*a.t.Size()
	switch a.t.Size() {
	case 8:
		return a.uint64At(at).Load()
	case 4:
		return a.t.widen(uint64(a.uint32At(at).Load()))
	case 2:
		return a.t.widen(uint64(*a.uint16At(at)))
	}
	return a.t.widen(uint64(a.b[at]))
}

func (a *Array) store(i int, bits uint64) {
	at := dataOffset + i*a.t.Size()
	switch a.t.Size() {
	case 8:
		a.uint64At(at).Store(bits)
	case 4:
		a.uint32At(at).Store(uint32(bits))
	case 2:
		*a.uint16At(at) = uint16(bits)
	default:
		a.b[at] = byte(bits)
	}
}

// uint16At is for a plain load or store. sync/atomic has none so narrow; one of
// two aligned bytes is one instruction wherever mpx runs.
func (o *Object) uint16At(off int) *uint16 {
	if off%2 != 0 || off+2 > len(o.b) {
		panic("bug: shared word out of place")
	}
	return (*uint16)(unsafe.Pointer(&o.b[off]))
}
