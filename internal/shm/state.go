package shm

import "fmt"

// states say, in a word or two, how an object of each kind is.
var states = map[Kind]func(*Object) (string, error){
	KindLock:      func(o *Object) (string, error) { return lockState(&Lock{o}) },
	KindSem:       func(o *Object) (string, error) { return semState(&Sem{o}) },
	KindSemaphore: func(o *Object) (string, error) { return semaphoreState(&Semaphore{o}) },
	KindEvent:     func(o *Object) (string, error) { return eventState(&Event{o}) },
	KindBarrier:   func(o *Object) (string, error) { return barrierState(&Barrier{o}) },
	KindValue:     valueState,
	KindArray:     arrayState,
	KindProcess:   processText,
	KindPool:      poolText,
}

// State returns how o is, for people: "held", "2 of 4 free", its number; "" where
// there is nothing to say.
func (o *Object) State() (text string, err error) {
	state := states[o.Kind]
	if state == nil {
		return "", nil
	}
	err = o.touching(func() (err error) {
		text, err = state(o)
		return err
	})
	return text, err
}

func lockState(l *Lock) (string, error) {
	held, err := l.Held()
	if held {
		return "held", err
	}
	return "free", err
}

func semState(s *Sem) (string, error) {
	slots, free, debt, err := s.Counts()
	text := fmt.Sprintf("%d of %d free", free, slots)
	if debt > 0 {
		text += fmt.Sprintf(", %d too many held", debt)
	}
	return text, err
}

func semaphoreState(s *Semaphore) (string, error) {
	v, err := s.Value()
	return fmt.Sprint(v), err
}

func eventState(e *Event) (string, error) {
	set, err := e.IsSet()
	if set {
		return "set", err
	}
	return "not set", err
}

func valueState(o *Object) (string, error) {
	t, err := o.numberType()
	if err != nil {
		return "", err
	}
	bits, err := (&Value{o, t}).Get()
	return t.Text(bits), err
}

func arrayState(o *Object) (string, error) {
	a, err := o.array()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %v", a.n, a.t), nil
}

func barrierState(b *Barrier) (string, error) {
	arrived, broken, err := b.State()
	if broken {
		return "broken", err
	}
	return fmt.Sprintf("%d of %d wait", arrived, b.N()), err
}

func processText(o *Object) (string, error) {
	i, err := (&Process{o}).look()
	return i.Text(), err
}
