package shm

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"testing"
	"time"
)

// Messages of every length around what a ring and its pieces hold pass whole, wherever
// in the ring they begin.
func TestRingBorders(t *testing.T) {
	for _, size := range []int{0, 32, 40, 64, 104, 2 * ringPiece, 2*ringPiece + 16, 2*ringPiece + 24} {
		r, _ := newTestRing(t, CreateRing, size)
		s, c := ends(t, r)
		var lengths []int
		for _, at := range []int{0, r.piece, 2 * r.piece, len(r.buf) / 2, len(r.buf), len(r.buf) + r.piece, 3 * len(r.buf)} {
			for d := -9; d <= 9; d++ {
				lengths = append(lengths, max(at+d, 0))
			}
		}
		sent := make(chan error, 1)
		message := func(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, lengths[i]) }
		go func() {
			var err error
			for i := 0; i < len(lengths) && err == nil; i++ {
				err = s.Send(message(i), Wait{})
			}
			s.Close()
			sent <- err
		}()
		buf := make([]byte, 4*len(r.buf))
		for i, n := range lengths {
			if n > 0 {
				var long *LengthError
				if _, err := c.Recv(buf[:n-1], Wait{}); !errors.As(err, &long) || long.Length != n {
					t.Fatalf("ring of %d, %d bytes: %v", len(r.buf), n, err)
				}
			}
			if m, err := c.Recv(buf, Wait{}); err != nil || !bytes.Equal(buf[:m], message(i)) {
				t.Fatalf("ring of %d: %d of %d bytes, %v", len(r.buf), m, n, err)
			}
		}
		if _, err := c.Recv(buf, Wait{}); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
}

// A float channel has room for as many doubles as it was made for, and no more.
func TestFloatChannelRoom(t *testing.T) {
	for most := range 6 {
		r, f := newTestRing(t, CreateFloatChannel, most)
		again, err := OpenRing(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		s, _ := ends(t, r)
		c := again
		if len(c.buf) != len(r.buf) {
			t.Error(len(c.buf), len(r.buf))
		}
		var long *LengthError
		if err := s.SendFloats(make([]float64, most+1), WaitFor(0)); !errors.As(err, &long) || *long != (LengthError{8 * (most + 1), 8 * most}) {
			t.Errorf("a channel for %d: %v", most, err)
		}
		if err := s.SendFloats(make([]float64, most), WaitFor(0)); err != nil {
			t.Errorf("a channel for %d: %v", most, err)
		}
	}
	for _, most := range []int{-1, 1 << 60, 1<<61 - 1} {
		if r, f, err := CreateFloatChannel(most); err == nil {
			t.Errorf("a channel for %d", most)
			r.Close()
			f.Close()
		}
	}
}

// Nothing is sent to a receiver that is known to be dead, though there is room for it.
func TestRingSendAfterDeath(t *testing.T) {
	r, _ := newTestRing(t, CreateRing, 64)
	s, err := r.Sender()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cmd := exec.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	s.Expect(cmd.Process.Pid)
	long := make([]byte, 100)
	for range 2 {
		if err := s.Send(long, WaitFor(time.Minute)); !errors.Is(err, ErrPeerDied) {
			t.Error(err)
		}
	}
	if err := s.Send(nil, WaitFor(0)); !errors.Is(err, ErrPeerDied) {
		t.Error("a short one after a long one: ", err)
	}
}

// A peer whose pidfd cannot be watched is looked at.
func TestRingWatchFails(t *testing.T) {
	r, _ := newTestRing(t, CreateRing, 64)
	c, err := r.Receiver()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cmd := exec.Command("/bin/cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.Expect(cmd.Process.Pid)
	if _, err := c.Recv(nil, WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	c.e.watch.close() // as if it had failed
	if _, err := c.Recv(nil, WaitFor(0)); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := c.Recv(nil, WaitFor(0)); !errors.Is(err, ErrPeerDied) {
		t.Error(err)
	}
}
