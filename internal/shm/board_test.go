package shm

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"
	"testing"
)

// words are those that the worker shows, by name.
func words(b *Board) map[string]*atomic.Uint64 {
	return map[string]*atomic.Uint64{
		"state": b.State, "seq": b.Seq, "attempt": b.Attempt,
		"group": b.Group, "start": b.Start, "done": b.Done,
	}
}

// value is what word name is set to: each to another.
func value(name string) (v uint64) {
	for _, c := range []byte(name) {
		v = v<<8 | uint64(c)
	}
	return v
}

const boardText = "committed, never written"

// helpShow sets all of the board behind descriptor 3, says so and waits for
// its stdin to end.
func helpShow([]string) error {
	b, err := OpenBoard(3)
	if err != nil {
		return err
	}
	for name, w := range words(b) {
		if got := w.Load(); got != 0 {
			return fmt.Errorf("%s is %d from the start", name, got)
		}
		w.Store(value(name))
	}
	b.NewOutbox().Append(func(p []byte) []byte { return append(p, boardText...) })
	if _, err := fmt.Println("set"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// What one process puts on the board another sees, in its life and after it.
func TestBoardOfAnotherProcess(t *testing.T) {
	b, f := board(t)
	cmd := helper(t, f, "show")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 4)); err != nil {
		t.Error("child: ", err)
	}
	check := func(when string) {
		for name, w := range words(b) {
			if got := w.Load(); got != value(name) {
				t.Errorf("%s: %s is %#x, want %#x", when, name, got, value(name))
			}
		}
		if got := string(b.Rest(0)); got != boardText {
			t.Errorf("%s: outbox has %q", when, got)
		}
		if got := string(b.Rest(11)); got != boardText[11:] {
			t.Errorf("%s: after 11 bytes outbox has %q", when, got)
		}
	}
	check("alive")
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	check("dead")
}

// The words are where the diagram has them, each in a place of its own.
func TestBoardLayout(t *testing.T) {
	b, _ := board(t)
	for off, w := range map[int]*atomic.Uint64{
		0: b.State, 8: b.Seq, 16: b.Attempt, 24: b.Group, 32: b.Start, 40: b.Done, 48: b.holds, 64: b.base, 72: b.end,
	} {
		if w != b.region.uint64At(off) {
			t.Errorf("no word at %d", off)
		}
	}
	if &b.slot[0] != &b.region.b[56] || len(b.slot) != 1 {
		t.Error("token out of place")
	}
	if &b.outbox[0] != &b.region.b[4096] || len(b.outbox) != OutboxSize || len(b.region.b) != 4096+OutboxSize {
		t.Error("outbox out of place")
	}
}

// A board that makes no sense has no rest, whatever was received.
func TestRestOfNonsense(t *testing.T) {
	b, _ := board(t)
	for _, tt := range []struct {
		base, end, received uint64
		want                int
	}{
		{0, 0, 0, 0},
		{0, 10, 10, 0},
		{0, 10, 4, 6},
		{0, OutboxSize, 0, OutboxSize},
		{100, 100 + OutboxSize, 100 + OutboxSize - 1, 1},
		{math.MaxUint64 - 5, math.MaxUint64, math.MaxUint64 - 5, 5},

		{0, 10, 11, 0},
		{5, 10, 4, 0},
		{5, 10, math.MaxUint64, 0},
		{0, OutboxSize + 1, 0, 0},
		{0, OutboxSize + 1, OutboxSize + 1, 0},
		{0, math.MaxUint64, 3, 0},
		{10, 5, 4, 0},
		{10, 5, 7, 0},
		{10, 5, 10, 0},
		{10, 5, 11, 0},
		{math.MaxUint64, 5, 3, 0},
		{math.MaxUint64 - 1, 2, math.MaxUint64, 0},
	} {
		b.base.Store(tt.base)
		b.end.Store(tt.end)
		if got := b.Rest(tt.received); len(got) != tt.want {
			t.Errorf("base %d, end %d, received %d: %d bytes, want %d", tt.base, tt.end, tt.received, len(got), tt.want)
		}
	}
}
