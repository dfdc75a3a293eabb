package shm

// An Event is Python's, with one promise more: who waits is woken by each Set,
// also when a Clear follows at once. It is one word,
//
//	generation << 1 | set
//
// and each Set of an event that is not set begins a new generation.
//
//	cleared ──Set: generation+1, wake all──▶ set ──Clear──▶ cleared
type Event struct{ *Object }

// OpenEvent opens the event name, which exists from its first use.
func (d *Dir) OpenEvent(name string) (*Event, error) {
	o, err := d.OpenOrMake(name, KindEvent, nil)
	if err != nil {
		return nil, err
	}
	return &Event{o}, nil
}

// Set sets the event and wakes all who wait.
func (e *Event) Set() error {
	word := e.uint32At(ownOffset)
	return e.touching(func() error {
		for {
			v := word.Load()
			// The next generation, and set. Where it is set, who did that may have
			// been killed before it woke anybody.
			if v&1 == 1 || word.CompareAndSwap(v, v+3) {
				wakeAll(word)
				return nil
			}
		}
	})
}

// Clear undoes Set.
func (e *Event) Clear() error {
	word := e.uint32At(ownOffset)
	return e.touching(func() error {
		for {
			v := word.Load()
			if v&1 == 0 || word.CompareAndSwap(v, v&^1) {
				return nil
			}
		}
	})
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() (set bool, err error) {
	err = e.touching(func() error {
		set = e.uint32At(ownOffset).Load()&1 == 1
		return nil
	})
	return set, err
}

// Wait waits until the event is set, or has been since the call. ErrTimeout: it
// was not in time.
func (e *Event) Wait(w Wait) error {
	first, err := e.generation()
	if err != nil {
		return err
	}
	return e.waitSince(first, w)
}

func (e *Event) generation() (g uint32, err error) {
	err = e.touching(func() error {
		g = e.uint32At(ownOffset).Load() >> 1
		return nil
	})
	return g, err
}

// waitSince waits until the event is set, or has been since generation first.
func (e *Event) waitSince(first uint32, w Wait) error {
	word := e.uint32At(ownOffset)
	return e.awaitListed(word, w, func() bool {
		v := word.Load()
		return v&1 == 1 || v>>1 != first
	})
}
