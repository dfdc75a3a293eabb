package shm

// A Value is a number that processes share.
//
//	64  type (u32)    72  the number (64 bits)
type Value struct {
	*Object
	t Type
}

// MakeValue makes the value name with its first number.
func (d *Dir) MakeValue(name string, t Type, bits uint64) (*Value, error) {
	o, err := d.Make(name, KindValue, 0, func(o *Object) {
		o.uint32At(ownOffset).Store(uint32(t))
		o.uint64At(ownOffset + 8).Store(bits)
	})
	if err != nil {
		return nil, err
	}
	return &Value{o, t}, nil
}

// OpenValue opens the value name.
func (d *Dir) OpenValue(name string) (*Value, error) {
	o, err := d.Open(name, KindValue)
	if err != nil {
		return nil, err
	}
	t, err := o.numberType()
	if err != nil {
		o.Close()
		return nil, err
	}
	return &Value{o, t}, nil
}

// numberType reads the type of a value or array.
func (o *Object) numberType() (t Type, err error) {
	err = o.touching(func() error {
		if t = Type(o.uint32At(ownOffset).Load()); t < I8 || t > F64 {
			return ErrDamaged
		}
		return nil
	})
	return t, err
}

// Type returns v's type.
func (v *Value) Type() Type { return v.t }

// Get returns the number, as bits.
func (v *Value) Get() (bits uint64, err error) {
	err = v.touching(func() error {
		bits = v.uint64At(ownOffset + 8).Load()
		return nil
	})
	return bits, err
}

// Set sets the number.
func (v *Value) Set(bits uint64) error {
	return v.touching(func() error {
		v.uint64At(ownOffset + 8).Store(bits)
		return nil
	})
}

// Add adds to the number, in one step that nobody can come between, and returns
// the sum. *RangeError: it is none of v's type, and the number is as it was.
func (v *Value) Add(d Delta) (sum uint64, err error) {
	err = v.touching(func() error {
		word := v.uint64At(ownOffset + 8)
		for {
			old := word.Load()
			var err error
			if sum, err = v.t.add(old, d); err != nil {
				return err
			}
			if word.CompareAndSwap(old, sum) {
				return nil
			}
		}
	})
	return sum, err
}

// Swap sets the number to bits if it is old, and reports whether it was and what
// the number is now.
func (v *Value) Swap(old, bits uint64) (now uint64, ok bool, err error) {
	err = v.touching(func() error {
		word := v.uint64At(ownOffset + 8)
		for {
			now = word.Load()
			if !v.t.same(now, old) {
				return nil
			}
			if word.CompareAndSwap(now, bits) {
				now, ok = bits, true
				return nil
			}
		}
	})
	return now, ok, err
}
