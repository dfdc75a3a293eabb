package shm

// The token of make's jobserver that a worker holds stands on its board, so
// that a supervisor can give it back when the worker is dead.
//
// It is read straight into its place: a worker killed in the midst has either
// not taken it or shown it. (holds is for a token that is the byte 0.) On the
// way back it is taken off the board first: a worker killed in between, some
// nanoseconds, loses it. The other way round it would be given twice, and the
// write of a token wakes a process that may well come before the next step.

// Token returns the token that the worker holds. It is for the worker and, once
// that is dead, for its supervisor.
func (b *Board) Token() (token byte, held bool) {
	token = b.slot[0]
	return token, b.holds.Load() != 0 || token != 0
}

// TakeToken has read put a token into its place; ok is whether it did. The
// worker must hold none.
func (b *Board) TakeToken(read func([]byte) (bool, error)) (ok bool, err error) {
	ok, err = read(b.slot)
	if ok {
		b.holds.Store(1)
	}
	return ok, err
}

// ReturnToken has write take back the token that the worker holds, if it holds
// one. After an error it still does.
func (b *Board) ReturnToken(write func(byte) error) error {
	token, held := b.Token()
	if !held {
		return nil
	}
	b.slot[0] = 0
	b.holds.Store(0)
	err := write(token)
	if err != nil {
		b.slot[0] = token
		b.holds.Store(1)
	}
	return err
}
