package ipc

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/iotest"
)

// A cutReader gives at most size bytes a read.
type cutReader struct {
	data []byte
	size int
}

func (r *cutReader) Read(b []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), r.size)], r.data)
	r.data = r.data[n:]
	return n, nil
}

func zeroOf(v any) any { return reflect.Zero(reflect.TypeOf(v)).Interface() }

// someFrames is a stream of several frames, and where each ends.
func someFrames() (stream []byte, ends map[int]int) {
	ends = map[int]int{0: 0}
	d := Done{Seq: 1, Attempt: 1, Timed: true, Note: "n", Stdout: []byte("out")}
	for i, f := range [][]byte{
		AppendHello(nil, 12),
		AppendEmpty(nil, KindPaused),
		Out{1, 1, 1, bytes.Repeat([]byte("o"), 300)}.Append(nil),
		d.Append(nil),
		AppendFrame(nil, 200, []byte("a word of a later version")),
		AppendSeqs(nil, []uint64{4, 5}),
		AppendEmpty(nil, KindBye),
	} {
		stream = append(stream, f...)
		ends[len(stream)] = i + 1
	}
	return stream, ends
}

// A stream cut anywhere gives the whole frames before the cut, and is torn
// unless it was cut between frames.
func TestTruncation(t *testing.T) {
	stream, ends := someFrames()
	whole := 0
	for cut := 0; cut <= len(stream); cut++ {
		for _, size := range []int{1, 7, 4096} {
			frames := 0
			err := ReadAll(&cutReader{stream[:cut], size}, func(Kind, []byte) error { frames++; return nil })
			n, border := ends[cut]
			if border {
				whole = n
			}
			if border && err != nil || !border && !errors.Is(err, ErrTorn) || frames != whole {
				t.Fatalf("cut at %d, read by %d: %d frames, want %d; %v", cut, size, frames, whole, err)
			}
		}
	}
	if whole != len(ends)-1 {
		t.Errorf("%d frames", whole)
	}
}

func TestLengthOutOfRange(t *testing.T) {
	for n, ok := range map[uint32]bool{
		0: false, 1: true, 2: true, MaxFrame - 1: true, MaxFrame: true,
		MaxFrame + 1: false, 1 << 24: false, 1 << 31: false, 1<<32 - 1: false,
	} {
		d := NewDecoder(16)
		head := le.AppendUint32(nil, n)
		// One byte short of the length there is nothing to object to yet.
		for _, b := range head[:3] {
			feed(d, []byte{b})
			if _, _, got, err := d.Next(); got || err != nil {
				t.Errorf("length %d: %v before it is there", n, err)
			}
		}
		feed(d, head[3:])
		for range 2 { // an error stays
			if _, _, got, err := d.Next(); got || errors.Is(err, ErrMalformed) == ok {
				t.Errorf("length %d: error %v", n, err)
			}
		}
		if !ok {
			continue
		}
		want := bytes.Repeat([]byte("k"), int(n))
		feed(d, want)
		kind, body, got, err := d.Next()
		if err != nil || !got || kind != 'k' || !bytes.Equal(body, want[1:]) || d.Waiting() != 0 || d.End() != nil {
			t.Errorf("length %d: kind %d, %d bytes, %v, %v", n, kind, len(body), got, err)
		}
	}
}

// feed hands all of b to d.
func feed(d *Decoder, b []byte) {
	for len(b) > 0 {
		n, _ := d.Fill(func(p []byte) (int, error) { return copy(p, b), nil })
		b = b[n:]
	}
}

// A kind that nobody knows passes, whole and untouched.
func TestUnknownKinds(t *testing.T) {
	for k := range 256 {
		want := []byte{byte(k), 0, 255, 1}
		frames := 0
		err := ReadAll(bytes.NewReader(AppendFrame(nil, Kind(k), want)), func(kind Kind, body []byte) error {
			if frames++; kind != Kind(k) || !bytes.Equal(body, want) {
				t.Errorf("kind %d: got kind %d, % x", k, kind, body)
			}
			return nil
		})
		if err != nil || frames != 1 {
			t.Errorf("kind %d: %d frames, %v", k, frames, err)
		}
	}
}

// Fill returns what read returned, and what it reads counts even beside an error.
func TestFill(t *testing.T) {
	d := NewDecoder(0)
	other := errors.New("other")
	f := AppendEmpty(nil, KindBye)
	for _, r := range []struct {
		n   int
		err error
	}{{0, nil}, {-1, other}, {0, io.EOF}, {len(f), other}} {
		n, err := d.Fill(func(b []byte) (int, error) {
			if len(b) == 0 {
				t.Error("offered no room")
			}
			copy(b, f)
			return r.n, r.err
		})
		if n != r.n || err != r.err {
			t.Errorf("Fill = %d, %v, want %d, %v", n, err, r.n, r.err)
		}
	}
	if kind, body, ok, err := d.Next(); kind != KindBye || len(body) != 0 || !ok || err != nil {
		t.Errorf("Next = %d, %q, %v, %v", kind, body, ok, err)
	}
}

func TestReadAllErrors(t *testing.T) {
	f := AppendEmpty(nil, KindBye)
	frames := 0
	count := func(Kind, []byte) error { frames++; return nil }
	if err := ReadAll(iotest.DataErrReader(bytes.NewReader(f)), count); err != nil || frames != 1 {
		t.Errorf("end beside the last bytes: %d frames, %v", frames, err)
	}
	if err := ReadAll(iotest.TimeoutReader(&cutReader{f, 2}), count); err != iotest.ErrTimeout {
		t.Errorf("reader's error: %v", err)
	}
	other := errors.New("other")
	if err := ReadAll(bytes.NewReader(f), func(Kind, []byte) error { return other }); err != other {
		t.Errorf("f's error: %v", err)
	}
	if err := ReadAll(bytes.NewReader(make([]byte, 9)), count); !errors.Is(err, ErrMalformed) {
		t.Errorf("malformed: %v", err)
	}
}

func TestFrameTooLong(t *testing.T) {
	AppendFrame(nil, 1, make([]byte, MaxFrame-1)) // just fits
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	AppendFrame(nil, 1, make([]byte, MaxFrame))
}

// A length allocates nothing by itself: the buffer follows what has arrived.
func TestDecoderGrowsWithWhatArrives(t *testing.T) {
	for _, start := range []int{0, 1, 4096, 8 << 10, 64<<10 + 1} {
		d := NewDecoder(start)
		b := AppendFrame(nil, KindOut, make([]byte, MaxFrame-1))
		for arrived := 0; len(b) > 0; {
			n := min(len(b), 1000)
			feed(d, b[:n])
			b, arrived = b[n:], arrived+n
			if most := max(start, 4096) + 2*arrived; len(d.buf) > most {
				t.Fatalf("start %d: %d bytes arrived, buffer of %d", start, arrived, len(d.buf))
			}
		}
		if _, body, ok, err := d.Next(); !ok || err != nil || len(body) != MaxFrame-1 {
			t.Errorf("start %d: %d bytes, %v, %v", start, len(body), ok, err)
		}
	}
}

// Once it is large enough the buffer is used again.
func TestDecoderKeepsItsBuffer(t *testing.T) {
	stream, _ := someFrames()
	d := NewDecoder(2 * len(stream))
	at := &d.buf[0]
	for range 100 {
		feed(d, stream[:len(stream)-3])
		drain(t, d)
		feed(d, stream[len(stream)-3:])
		drain(t, d)
	}
	if &d.buf[0] != at || d.End() != nil {
		t.Error("the buffer moved, or bytes are left")
	}
}

func drain(t *testing.T, d *Decoder) {
	t.Helper()
	for {
		if _, _, ok, err := d.Next(); err != nil {
			t.Fatal(err)
		} else if !ok {
			return
		}
	}
}

// Whatever the bytes and however they are cut: the decoder never holds more
// than two frames' room, its frames encode to the bytes they came from, and
// every body that is accepted encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	stream, _ := someFrames()
	f.Add(stream, uint64(1))
	f.Add(AppendConfig(nil, []byte(`{"function":"exec"}`)), uint64(2))
	f.Add(TaskPiece{Seq: 1, Attempt: 1, Last: true, Stdin: true, Data: []byte("\x01\x01a")}.Append(nil), uint64(3))
	f.Add(AppendStop(AppendRecall(AppendEmpty(nil, KindRetire), 3), 15, 1e9), uint64(4))
	f.Add(AppendLeft(AppendNoStart(nil, 1, 1, "why"), []int{1, 2}), uint64(5))
	d := Done{Timed: true, Used: true, Note: "note", Hint: "hint", Stdout: []byte("o")}
	f.Add(d.Append(AppendFrame(nil, KindFault, []byte("text"))), uint64(6))
	f.Add(le.AppendUint32(nil, MaxFrame), uint64(7))
	f.Add(le.AppendUint32(nil, MaxFrame+1), uint64(8))
	f.Add(make([]byte, 5), uint64(9))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		start := rng.IntN(1 << 14)
		d := NewDecoder(start)
		var again []byte
		for rest := data; len(rest) > 0; {
			n, _ := d.Fill(func(b []byte) (int, error) {
				return copy(b[:1+rng.IntN(len(b))], rest), nil
			})
			rest = rest[n:]
			if most := max(start, 4096) + 2*len(data); len(d.buf) > min(most, 2*(MaxFrame+headerLen)) {
				t.Fatalf("buffer of %d for %d bytes", len(d.buf), len(data))
			}
			for {
				kind, body, ok, err := d.Next()
				if err != nil {
					return
				}
				if !ok {
					break
				}
				again = AppendFrame(again, kind, body)
				malleable(t, kind, body)
			}
		}
		if n := len(data) - d.Waiting(); !bytes.Equal(again, data[:n]) || (d.End() == nil) != (n == len(data)) {
			t.Errorf("%d of %d bytes decoded, encoded again %d; End %v", n, len(data), len(again), d.End())
		}
	})
}

// FuzzParse gives arbitrary bodies to each kind's reader.
func FuzzParse(f *testing.F) {
	stream, _ := someFrames()
	_ = ReadAll(bytes.NewReader(stream), func(kind Kind, body []byte) error {
		f.Add(byte(kind), bytes.Clone(body))
		return nil
	})
	d := Done{Timed: true, Used: true, Note: "note", Hint: "hint", Stdout: []byte("o")}
	f.Add(byte(KindDone), body(d.Append(nil)))
	f.Add(byte(KindConfig), []byte{1, 'x'})
	f.Add(byte(KindTask), make([]byte, 15))
	f.Add(byte(KindNoStart), make([]byte, 15))
	f.Add(byte(KindLeft), make([]byte, 8))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		if len(body) < MaxFrame {
			malleable(t, Kind(kind), body)
		}
	})
}

// malleable fails if body is accepted, and yet no sender would write it so.
func malleable(t *testing.T, kind Kind, body []byte) {
	c, known := codecs[kind]
	if !known {
		return
	}
	v, err := c.parse(body)
	if err != nil {
		if !reflect.DeepEqual(v, zeroOf(v)) {
			t.Errorf("kind %d: an error, and %+v", kind, v)
		}
		return
	}
	if got, want := c.encode(nil, v), AppendFrame(nil, kind, body); !bytes.Equal(got, want) {
		t.Errorf("kind %d: accepted % x, encodes to % x", kind, want, got)
	}
}
