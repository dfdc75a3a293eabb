package shm

import (
	"errors"
	"math"
)

// ErrReleased is the error of a release of a bounded semaphore that is whole
// (Python: ValueError "semaphore released too many times").
var ErrReleased = errors.New("semaphore released too many times")

// A Semaphore is Python's bare counter: nobody owns what has been acquired, and
// who dies with it has taken it along. Sem is the one whose slots come back.
//
//	64  value (u32)    68  the most it may be (u32)
type Semaphore struct{ *Object }

// MaxSemaphore is the highest value.
const MaxSemaphore = math.MaxInt32

// MakeSemaphore makes the semaphore name. A bounded one is never released above
// its first value.
func (d *Dir) MakeSemaphore(name string, value uint32, bounded bool) (*Semaphore, error) {
	o, err := d.Make(name, KindSemaphore, 0, func(o *Object) {
		most := uint32(MaxSemaphore)
		if bounded {
			most = value
		}
		o.uint32At(ownOffset).Store(value)
		o.uint32At(ownOffset + 4).Store(most)
	})
	if err != nil {
		return nil, err
	}
	return &Semaphore{o}, nil
}

// OpenSemaphore opens the semaphore name.
func (d *Dir) OpenSemaphore(name string) (*Semaphore, error) {
	o, err := d.Open(name, KindSemaphore)
	if err != nil {
		return nil, err
	}
	return &Semaphore{o}, nil
}

// Acquire takes one, and waits for it if it must. ErrTimeout: there was none in
// time.
func (s *Semaphore) Acquire(w Wait) error {
	word := s.uint32At(ownOffset)
	return s.awaitListed(word, w, func() bool {
		for {
			v := word.Load()
			if v == 0 {
				return false
			}
			if word.CompareAndSwap(v, v-1) {
				return true
			}
		}
	})
}

// Release gives one back. ErrReleased: it is whole.
func (s *Semaphore) Release() error {
	word := s.uint32At(ownOffset)
	return s.touching(func() error {
		most := s.uint32At(ownOffset + 4).Load()
		for {
			v := word.Load()
			if v >= most {
				return ErrReleased
			}
			if word.CompareAndSwap(v, v+1) {
				wake(word, 1)
				return nil
			}
		}
	})
}

// Value returns how many there are.
func (s *Semaphore) Value() (v uint32, err error) {
	err = s.touching(func() error {
		v = s.uint32At(ownOffset).Load()
		return nil
	})
	return v, err
}
