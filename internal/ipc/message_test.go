package ipc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sameBytes makes cmp quick with large slices, and nil equal to empty.
var sameBytes = cmp.Comparer(bytes.Equal)

// Every message's bytes, by hand from PROTOCOL.md, without the length.
func TestWire(t *testing.T) {
	for _, tt := range []struct {
		kind Kind
		v    any
		want string
	}{
		{KindConfig, configPiece{[]byte("{}"), true}, "01 01 7b7d"},
		{KindConfig, configPiece{nil, true}, "01 01"},
		{KindTask, TaskPiece{Seq: 0x0102, Attempt: 3, Last: true, Data: []byte("ab")}, "02 0201000000000000 03000000 01 6162"},
		{KindTask, TaskPiece{Seq: 1, Attempt: 1, Stdin: true}, "02 0100000000000000 01000000 02"},
		{KindRecall, uint32(7), "03 07000000"},
		{KindStop, stop{15, -2}, "04 0f feffffffffffffff"},
		{KindPause, struct{}{}, "05"},
		{KindResume, struct{}{}, "06"},
		{KindRetire, struct{}{}, "07"},
		{KindToken, uint32(258), "09 02010000"},
		{KindDrop, struct{}{}, "0a"},
		{KindHello, 77, "40 6d707877 01000000 4d000000"},
		{KindOut, Out{1, 2, 2, []byte("e")}, "41 0100000000000000 02000000 02 65"},
		{KindDone, Done{Seq: 1, Attempt: 2, Exit: -1, Signal: 9, End: Stopped, Stdout: []byte("o")}, "42 0100000000000000 02000000 02 00 ffffffff 09000000 6f"},
		{KindDone, Done{Timed: true, Start: 1, Elapsed: 2}, "42 0000000000000000 00000000 00 01 00000000 00000000 0100000000000000 0200000000000000"},
		{KindDone, Done{Used: true, User: 1, System: 2, MaxRSS: 3}, "42 0000000000000000 00000000 00 02 00000000 00000000 0100000000000000 0200000000000000 0300000000000000"},
		{KindDone, Done{End: TimedOut, Hint: "h"}, "42 0000000000000000 00000000 01 04 00000000 00000000 0000 0100 68"},
		{KindGaveBack, []uint64{}, "43"},
		{KindGaveBack, []uint64{2, 1}, "43 0200000000000000 0100000000000000"},
		{KindNoStart, noStart{1, 2, "no"}, "44 0100000000000000 02000000 6e6f"},
		{KindLeft, []int{}, "45"},
		{KindLeft, []int{258}, "45 02010000"},
		{KindPaused, struct{}{}, "46"},
		{KindFault, "f", "47 66"},
		{KindBye, struct{}{}, "48"},
		{KindGot, uint32(258), "4a 02010000"},
		{KindWorn, int64(258), "4b 0201000000000000"},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(tt.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got := frame(tt.kind, tt.v)
		if n := le.Uint32(got); int(n) != len(want) || !bytes.Equal(got[headerLen:], want) {
			t.Errorf("%d %+v: length %d, % x, want % x", tt.kind, tt.v, n, got[headerLen:], want)
		}
		back, err := codecs[tt.kind].parse(want[1:])
		if diff := cmp.Diff(tt.v, back, sameBytes); err != nil || diff != "" {
			t.Errorf("%d: %v %s", tt.kind, err, diff)
		}
	}
}

// The tables of PROTOCOL.md, the constants and the codecs name the same kinds.
func TestKindsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []Kind
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| [A-Z]+ \|`).FindAllSubmatch(page, -1) {
		n, _ := strconv.Atoi(string(m[1]))
		documented = append(documented, Kind(n))
	}
	if diff := cmp.Diff(documented, slices.Sorted(maps.Keys(codecs))); diff != "" {
		t.Error(diff)
	}
}

// Whatever is encoded, cut into reads of any size, comes out the same and
// encodes to the same bytes.
func TestRoundTrip(t *testing.T) {
	kinds := slices.Sorted(maps.Keys(codecs))
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var sent []any
		var sentKinds []Kind
		for range rapid.IntRange(1, 6).Draw(t, "frames") {
			k := rapid.SampledFrom(kinds).Draw(t, "kind")
			v := codecs[k].draw(t)
			stream = codecs[k].encode(stream, v)
			sent, sentKinds = append(sent, v), append(sentKinds, k)
		}
		r := &cutReader{data: stream, size: rapid.SampledFrom([]int{1 << 20, 100_000, 4096, 999}).Draw(t, "read size")}
		var again []byte
		err := ReadAll(r, func(kind Kind, body []byte) error {
			if len(sent) == 0 || kind != sentKinds[0] {
				return fmt.Errorf("kind %d, want %v", kind, sentKinds)
			}
			v, err := codecs[kind].parse(body)
			if diff := cmp.Diff(sent[0], v, sameBytes); err != nil || diff != "" {
				return fmt.Errorf("kind %d: %w %s", kind, err, diff)
			}
			again = codecs[kind].encode(again, v)
			sent, sentKinds = sent[1:], sentKinds[1:]
			return nil
		})
		if err != nil || len(sent) > 0 {
			t.Fatalf("%v, %d frames missing", err, len(sent))
		}
		if !bytes.Equal(again, stream) {
			t.Fatal("encoded again, the stream differs")
		}
	})
}

// What no sender writes is refused, and with it nothing is returned.
func TestMalformed(t *testing.T) {
	le64, zeros := "\x01\x00\x00\x00\x00\x00\x00\x00", strings.Repeat("\x00", pieceLen+1)
	done := func(end, flags string, rest string) string {
		return le64 + "\x01\x00\x00\x00" + end + flags + zeros[:8] + rest
	}
	for _, tt := range []struct {
		kind Kind
		name string
		body string
	}{
		{KindConfig, "empty", ""},
		{KindConfig, "flag", "\x02{}"},
		{KindConfig, "long", "\x01" + zeros},
		{KindConfig, "short and not the last", "\x00{}"},
		{KindTask, "short", le64 + "\x01\x00\x00\x00"},
		{KindTask, "flag", le64 + "\x01\x00\x00\x00\x08"},
		{KindTask, "long", le64 + "\x01\x00\x00\x00\x01" + zeros},
		{KindRecall, "short", "\x00\x00\x00"},
		{KindRecall, "long", "\x00\x00\x00\x00\x00"},
		{KindStop, "short", le64},
		{KindStop, "long", le64 + "\x00\x00"},
		{KindToken, "short", "\x00\x00\x00"},
		{KindToken, "long", "\x00\x00\x00\x00\x00"},
		{KindGot, "short", "\x00\x00\x00"},
		{KindGot, "long", "\x00\x00\x00\x00\x00"},
		{KindWorn, "short", "\x00\x00\x00\x00\x00\x00\x00"},
		{KindWorn, "long", "\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		{KindHello, "short", "mpxw\x01\x00\x00\x00\x01\x00\x00"},
		{KindHello, "long", "mpxw\x01\x00\x00\x00\x01\x00\x00\x00\x00"},
		{KindHello, "magic", "mpxW\x01\x00\x00\x00\x01\x00\x00\x00"},
		{KindOut, "short", le64 + "\x01\x00\x00\x00"},
		{KindOut, "stream 0", le64 + "\x01\x00\x00\x00\x00a"},
		{KindOut, "stream 3", le64 + "\x01\x00\x00\x00\x03a"},
		{KindOut, "long", le64 + "\x01\x00\x00\x00\x01" + zeros},
		{KindDone, "short", done("\x00", "\x00", "")[:21]},
		{KindDone, "end", done("\x03", "\x00", "")},
		{KindDone, "flag", done("\x00", "\x08", zeros[:64])},
		{KindDone, "no times", done("\x00", "\x01", zeros[:15])},
		{KindDone, "no usage", done("\x00", "\x02", zeros[:23])},
		{KindDone, "times, no usage", done("\x00", "\x03", zeros[:39])},
		{KindDone, "no note", done("\x00", "\x04", "")},
		{KindDone, "half a note", done("\x00", "\x04", "\x02\x00a")},
		{KindDone, "no hint", done("\x00", "\x04", "\x01\x00a")},
		{KindDone, "half a hint", done("\x00", "\x04", "\x01\x00a\x01\x00")},
		{KindDone, "empty note", done("\x00", "\x04", "\x00\x00\x00\x00")},
		{KindDone, "long note", done("\x00", "\x04", "\x01\x10"+zeros[:maxText+1]+"\x00\x00")},
		{KindDone, "long hint", done("\x00", "\x04", "\x00\x00\x01\x10"+zeros[:maxText+1])},
		{KindDone, "long stdout", done("\x00", "\x00", zeros)},
		{KindGaveBack, "part of a number", le64 + "\x00"},
		{KindGaveBack, "long", zeros[:pieceLen] + le64},
		{KindNoStart, "short", le64 + "\x01\x00\x00"},
		{KindNoStart, "long", le64 + "\x01\x00\x00\x00" + zeros[:maxText+1]},
		{KindLeft, "part of a number", "\x00\x00\x00"},
		{KindLeft, "long", zeros[:pieceLen] + "\x00\x00\x00\x00"},
	} {
		v, err := codecs[tt.kind].parse([]byte(tt.body))
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%d %s: error %v", tt.kind, tt.name, err)
		}
		if !cmp.Equal(v, zeroOf(v), sameBytes) {
			t.Errorf("%d %s: returned %+v", tt.kind, tt.name, v)
		}
	}
}

func TestHelloOfAnotherVersion(t *testing.T) {
	pid, err := ParseHello([]byte("mpxw\x02\x00\x00\x00\x01\x00\x00\x00"))
	if err == nil || !strings.Contains(err.Error(), "version 2") || pid != 0 {
		t.Errorf("pid %d, error %v", pid, err)
	}
}

func TestAppendCutsWhatIsTooLong(t *testing.T) {
	text := strings.Repeat("t", maxText+1)
	d := Done{Note: text, Hint: text, Stdout: []byte("o")}
	got, err := ParseDone(body(d.Append(nil)))
	if err != nil || got.Note != text[1:] || got.Hint != text[1:] || string(got.Stdout) != "o" {
		t.Errorf("DONE: %v, note of %d bytes, hint of %d, stdout %q", err, len(got.Note), len(got.Hint), got.Stdout)
	}
	if _, _, reason, err := ParseNoStart(body(AppendNoStart(nil, 1, 1, text))); err != nil || reason != text[1:] {
		t.Errorf("NOSTART: %v, %d bytes", err, len(reason))
	}
	if pids, err := ParseLeft(body(AppendLeft(nil, make([]int, pieceLen)))); err != nil || len(pids) != pieceLen/4 {
		t.Errorf("LEFT: %v, %d pids", err, len(pids))
	}
	if n, err := ParseRecall(body(AppendRecall(nil, 1<<40))); err != nil || n != 1<<32-1 {
		t.Errorf("RECALL: %v, %d", err, n)
	}
}

// The largest frames that the senders write fit.
func TestLargest(t *testing.T) {
	text, block := strings.Repeat("t", maxText), make([]byte, MaxPiece)
	d := Done{Timed: true, Used: true, Note: text, Hint: text, Stdout: make([]byte, MaxDoneStdout)}
	for kind, b := range map[Kind][]byte{
		KindDone: d.Append(nil),
		KindOut:  Out{Stream: 1, Data: block}.Append(nil),
		KindTask: TaskPiece{Data: block}.Append(nil),
	} {
		if _, err := codecs[kind].parse(body(b)); err != nil {
			t.Errorf("%d: %v", kind, err)
		}
	}
}

func TestConfigInPieces(t *testing.T) {
	for _, size := range []int{0, 1, MaxPiece - 1, MaxPiece, MaxPiece + 1, 2 * MaxPiece, 2*MaxPiece + 1} {
		want := bytes.Repeat([]byte("{conf}"), size/6+1)[:size]
		var got []byte
		frames, ended := 0, false
		err := ReadAll(bytes.NewReader(AppendConfig(nil, want)), func(kind Kind, body []byte) error {
			piece, last, err := ParseConfig(body)
			if kind != KindConfig || ended {
				t.Errorf("%d bytes: kind %d, after the last %v", size, kind, ended)
			}
			got, ended, frames = append(got, piece...), last, frames+1
			return err
		})
		if err != nil || !ended || !bytes.Equal(got, want) || frames != max(1, (size+MaxPiece-1)/MaxPiece) {
			t.Errorf("%d bytes: %v, %d back in %d frames, ended %v", size, err, len(got), frames, ended)
		}
	}
}

// Begin and Finish make the frame that Append makes.
func TestTaskInPlace(t *testing.T) {
	for _, size := range []int{0, 1, MaxPiece - 1, MaxPiece} {
		p := TaskPiece{Seq: 5, Attempt: 2, Last: true, Stdin: true, Data: bytes.Repeat([]byte("d"), size)}
		b, mark := p.Begin([]byte("before"))
		b = Finish(append(b, p.Data...), mark)
		if !bytes.Equal(b, p.Append([]byte("before"))) {
			t.Errorf("%d bytes: frames differ", size)
		}
	}
}

func TestSeqsInPieces(t *testing.T) {
	for _, n := range []int{0, 1, pieceLen / 8, pieceLen/8 + 1, 3*pieceLen/8 + 2} {
		want := make([]uint64, n)
		for i := range want {
			want[i] = uint64(i) << 20
		}
		var got []uint64
		frames := 0
		err := ReadAll(bytes.NewReader(AppendSeqs(nil, want)), func(_ Kind, body []byte) error {
			seqs, err := ParseSeqs(body)
			got, frames = append(got, seqs...), frames+1
			return err
		})
		if err != nil || !slices.Equal(got, want) || frames != max(1, (8*n+pieceLen-1)/pieceLen) {
			t.Errorf("%d seqs: %v, %d back in %d frames", n, err, len(got), frames)
		}
	}
}

func TestOutFill(t *testing.T) {
	const head = headerLen + 1 + outHead
	o := Out{Seq: 9, Attempt: 1, Stream: 2, Data: []byte("ignored")}
	for _, tt := range []struct {
		name      string
		room      int // capacity that is left in b
		size      int
		returns   func(offered int) int
		want      int // bytes of data; -1: no frame
		wantOffer int // -1: read is not called
	}{
		{"full", 100, 10, func(n int) int { return n }, 10, 10},
		{"short", 100, 10, func(int) int { return 3 }, 3, 10},
		{"one byte of room", head + 1, 10, func(n int) int { return n }, 1, 1},
		{"room for less than size", head + 5, 10, func(n int) int { return n }, 5, 5},
		{"nothing to read", 100, 10, func(int) int { return 0 }, -1, 10},
		{"error", 100, 10, func(int) int { return -1 }, -1, 10},
		{"room for the head only", head, 10, nil, -1, -1},
		{"no capacity", 0, 10, nil, -1, -1},
		{"size 0", 100, 0, nil, -1, -1},
		{"size below 0", 100, -5, nil, -1, -1},
		{"size above MaxPiece", 2 * MaxPiece, 2 * MaxPiece, func(n int) int { return n }, MaxPiece, MaxPiece},
	} {
		b := append(make([]byte, 0, 6+tt.room), "before"...)
		offered := -1
		got := o.Fill(b, tt.size, func(d []byte) int {
			offered = len(d)
			for i := range d {
				d[i] = 'd'
			}
			return tt.returns(len(d))
		})
		want := []byte("before")
		if tt.want >= 0 {
			want = Out{9, 1, 2, bytes.Repeat([]byte("d"), tt.want)}.Append(want)
		}
		if !bytes.Equal(got, want) || offered != tt.wantOffer {
			t.Errorf("%s: %d bytes, want %d; offered %d, want %d", tt.name, len(got), len(want), offered, tt.wantOffer)
		}
		if cap(b) > 0 && &got[0] != &b[:1][0] {
			t.Errorf("%s: not in place", tt.name)
		}
	}
}

func drawReplies(t *rapid.T) Replies {
	return Replies{
		Seq: u64(t, "seq"), Count: rapid.Uint32Min(1).Draw(t, "count"),
		Start: rapid.Int64().Draw(t, "start"), Elapsed: rapid.Int64().Draw(t, "elapsed"), Data: data(t, "data", MaxPiece),
	}
}
