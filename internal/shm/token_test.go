package shm

import (
	"errors"
	"testing"
)

// Any byte may be a token. It is shown from the instant in which it is read
// until it is about to be given back.
func TestToken(t *testing.T) {
	b, _ := board(t)
	for _, want := range []byte{'+', 0, 255} {
		if c, held := b.Token(); held || c != 0 {
			t.Errorf("from the start: %q, %v", c, held)
		}
		none := func([]byte) (bool, error) { return false, nil }
		if ok, err := b.TakeToken(none); ok || err != nil {
			t.Errorf("nothing free: %v, %v", ok, err)
		}
		if _, held := b.Token(); held {
			t.Error("nothing free, and held")
		}
		ok, err := b.TakeToken(func(p []byte) (bool, error) {
			if len(p) != 1 {
				t.Errorf("room for %d bytes", len(p))
			}
			p[0] = want
			if c, held := b.Token(); c != want || held != (want != 0) {
				t.Errorf("killed after the read of %q: %q, %v", want, c, held)
			}
			return true, nil
		})
		if c, held := b.Token(); !ok || err != nil || c != want || !held {
			t.Errorf("taken %q: %v, %v; the board says %q, %v", want, ok, err, c, held)
		}
		given := 0
		for range 2 {
			if err := b.ReturnToken(func(c byte) error {
				if _, held := b.Token(); c != want || held {
					t.Errorf("gives %q, want %q; held %v", c, want, held)
				}
				given++
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
		if given != 1 {
			t.Errorf("%q given %d times", want, given)
		}
	}
}

func TestTokenErrors(t *testing.T) {
	b, _ := board(t)
	broken := errors.New("broken")
	if ok, err := b.TakeToken(func([]byte) (bool, error) { return false, broken }); ok || !errors.Is(err, broken) {
		t.Errorf("take: %v, %v", ok, err)
	}
	if _, held := b.Token(); held {
		t.Error("held after an error")
	}
	for _, want := range []byte{'x', 0} {
		if _, err := b.TakeToken(func(p []byte) (bool, error) { p[0] = want; return true, nil }); err != nil {
			t.Error(err)
		}
		if err := b.ReturnToken(func(byte) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("return: %v", err)
		}
		if c, held := b.Token(); c != want || !held {
			t.Errorf("not given: %q, %v", c, held)
		}
		if err := b.ReturnToken(func(byte) error { return nil }); err != nil {
			t.Error(err)
		}
	}
}
