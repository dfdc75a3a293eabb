package shm

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// newTestRing returns a ring that is closed when the test ends, and its file.
func newTestRing(t *testing.T, create func(int) (*Ring, *os.File, error), size int) (*Ring, *os.File) {
	t.Helper()
	r, f, err := create(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return r, f
}

// A ring is a queue of messages, of which so many bytes fit.
func TestRingModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 8 * rapid.IntRange(4, 40).Draw(t, "words")
		r, f, err := CreateRing(size)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		defer r.Close()
		s, err := r.Sender()
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Receiver()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		defer c.Close()
		var model [][]byte
		used, closed := 0, false
		buf := make([]byte, size)
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				b := rapid.SliceOfN(rapid.Byte(), 0, size/2&^7-ringHead).Draw(t, "message") // a longer one takes two
				need := ringHead + padded(len(b))
				switch err := s.Send(b, WaitFor(0)); {
				case closed:
					if !errors.Is(err, ErrClosed) {
						t.Fatal(err)
					}
				case used+need <= size:
					if err != nil {
						t.Fatal(err)
					}
					model, used = append(model, b), used+need
				case !errors.Is(err, ErrTimeout):
					t.Fatal(err)
				}
			},
			"recv": func(t *rapid.T) {
				room := rapid.IntRange(0, size).Draw(t, "room")
				n, err := c.Recv(buf[:room], WaitFor(0))
				var long *LengthError
				switch {
				case len(model) == 0 && closed:
					if !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
				case len(model) == 0:
					if !errors.Is(err, ErrTimeout) {
						t.Fatal(err)
					}
				case len(model[0]) > room:
					if !errors.As(err, &long) || long.Length != len(model[0]) || long.Room != room {
						t.Fatal(err)
					}
				default:
					if err != nil || !bytes.Equal(buf[:n], model[0]) {
						t.Fatalf("%q, %v; want %q", buf[:n], err, model[0])
					}
					used -= ringHead + padded(n)
					model = model[1:]
				}
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					s.Close()
					closed = true
				}
			},
		})
	})
}

// A float channel holds one message: the next is put in when it has been taken.
func TestFloatChannel(t *testing.T) {
	r, _ := newTestRing(t, CreateFloatChannel, 4)
	s, c := ends(t, r)
	var long *LengthError
	if err := s.SendFloats(make([]float64, 5), Wait{}); !errors.As(err, &long) || *long != (LengthError{40, 32}) {
		t.Error(err)
	}
	got := make([]float64, 4)
	for n := range 5 {
		values := []float64{1, 2.5, -3, 1e300}[:n]
		if err := s.SendFloats(values, WaitFor(0)); err != nil {
			t.Fatal(err)
		}
		if err := s.SendFloats(nil, WaitFor(0)); !errors.Is(err, ErrTimeout) {
			t.Error("a second message was put in: ", err)
		}
		if m, err := c.RecvFloats(got, WaitFor(0)); err != nil || !slices.Equal(got[:m], values) {
			t.Error(got[:m], err)
		}
	}
}

// ends returns both ends, closed when the test ends.
func ends(t *testing.T, r *Ring) (*Sender, *Receiver) {
	t.Helper()
	s, serr := r.Sender()
	c, cerr := r.Receiver()
	if err := errors.Join(serr, cerr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	t.Cleanup(c.Close)
	return s, c
}

// An end is one process's.
func TestRingEnds(t *testing.T) {
	r, f := newTestRing(t, CreateRing, 1000)
	s, c := ends(t, r)
	again, err := OpenRing(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Sender(); !errors.Is(err, ErrAttached) {
		t.Error(err)
	}
	if _, err := again.Receiver(); !errors.Is(err, ErrAttached) {
		t.Error(err)
	}
	if err := s.Send([]byte("last"), Wait{}); err != nil {
		t.Error(err)
	}
	s.Close()
	buf := make([]byte, 10)
	if n, err := c.Recv(buf, Wait{}); err != nil || string(buf[:n]) != "last" {
		t.Error(buf[:n], err)
	}
	if _, err := c.Recv(buf, Wait{}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	c.Close()
	if _, err := c.Recv(buf, Wait{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// What is no ring is refused.
func TestOpenRing(t *testing.T) {
	r, f, err := Create("mpx-no-ring", ringOffset+64)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer r.Close()
	for _, size := range []uint64{0, 63, 65, 1 << 63} {
		r.uint64At(0).Store(size)
		if _, err := OpenRing(int(f.Fd())); err == nil {
			t.Error("a ring that says its size is ", size)
		}
	}
}

// testMessage is message number i of a stream: its length and bytes follow from
// seed and i.
func testMessage(b []byte, seed uint64, i int, most int) []byte {
	rng := rand.New(rand.NewPCG(seed, uint64(i)))
	b = b[:rng.IntN(most)]
	first := byte(rng.Uint32())
	for k := range b {
		b[k] = first + byte(k*7)
	}
	return b
}

// helpRing is the other end of the ring behind descriptor 3: it sends or receives
// messages until it is killed or the other end is gone. Its arguments are what it
// does, the seed and the longest message.
func helpRing(args []string) error {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	most, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	r, err := OpenRing(3)
	if err != nil {
		return err
	}
	defer r.Close()
	if args[0] == "recv" {
		_, err = receiveAll(r, os.Getppid(), seed, most, -1)
	} else {
		_, err = sendAll(r, os.Getppid(), seed, most, -1)
	}
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrPeerDied) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// sendAll sends messages to the process pid, at most so many, and returns how many.
func sendAll(r *Ring, pid int, seed uint64, most, count int) (i int, err error) {
	s, err := r.Sender()
	if err != nil {
		return 0, err
	}
	defer s.Close()
	s.Expect(pid)
	buf := make([]byte, most)
	for ; i != count; i++ {
		if err := s.Send(testMessage(buf, seed, i, most), Wait{}); err != nil {
			return i, err
		}
	}
	return i, nil
}

var errMixedUp = errors.New("a message is not the one that was sent")

// receiveAll is its other side, and checks each.
func receiveAll(r *Ring, pid int, seed uint64, most, count int) (i int, err error) {
	c, err := r.Receiver()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.Expect(pid)
	buf, want := make([]byte, most), make([]byte, most)
	for ; i != count; i++ {
		n, err := c.Recv(buf, Wait{})
		if err != nil {
			return i, err
		}
		if !bytes.Equal(buf[:n], testMessage(want, seed, i, most)) {
			return i, errMixedUp
		}
	}
	return i, nil
}

// Messages arrive whole, in order, each once, up to the instant at which the sender
// is killed; and the survivor learns of it at once.
func TestKillRing(t *testing.T) {
	messages := 0
	again(t, func() (kills int) {
		for kills < 32 && !t.Failed() {
			messages += ringRound(t, kills)
			kills++
		}
		return kills
	})
	t.Logf("%d messages", messages)
	if messages == 0 {
		t.Error("nothing was sent")
	}
}

// ringRound kills one end of a ring in its work, and returns how many messages the
// other one had.
func ringRound(t *testing.T, round int) int {
	seed := rand.Uint64()
	create := []func(int) (*Ring, *os.File, error){CreateRing, CreateFloatChannel}[round%2]
	most := []int{2, 100, 5000, 500_000}[round/2%4]
	r, f, err := create(max(most/(1+round%3), 40) * (1 + 7*(round%2)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer r.Close()
	const sends, receives = "send", "recv"
	does := []string{sends, receives}[round/8%2]
	cmd := helper(t, f, "ring", does, strconv.FormatUint(seed, 10), strconv.Itoa(most))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got := 0
	done := make(chan error, 1)
	go func() {
		n, err := map[string]func(*Ring, int, uint64, int, int) (int, error){sends: receiveAll, receives: sendAll}[does](r, cmd.Process.Pid, seed, most, -1)
		got = n
		done <- err
	}()
	at := rand.Uint64N(1 << 16)
	count := r.region.uint64At(ringPut)
	eventually(t, "messages flow", func() bool { return count.Load() >= at })
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Error("the other end was not killed: ", err)
	}
	select {
	case err := <-done:
		if !errors.Is(err, ErrPeerDied) {
			t.Errorf("round %d, which %ss: %v", round, does, err)
		}
	case <-time.After(patience):
		t.Fatalf("round %d: the survivor hangs", round)
	}
	return got
}

// Two processes, each message once, in order; long ones pass piece by piece.
func TestRingStream(t *testing.T) {
	for _, most := range []int{2, 300, 70_000, 3 << 20} {
		r, f := newTestRing(t, CreateRing, 100_000)
		cmd := helper(t, f, "ring", "send", "7", strconv.Itoa(most))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		count := min(20_000, 30<<20/most)
		if n, err := receiveAll(r, cmd.Process.Pid, 7, most, count); n != count || err != nil {
			t.Errorf("%d of %d messages up to %d bytes: %v", n, count, most, err)
		}
		if err := cmd.Wait(); err != nil { // it learns that we have closed our end
			t.Error(err)
		}
	}
}
