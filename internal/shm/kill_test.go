package shm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A test frame is its length (u32), its number (u32, from 0) and as many bytes
// as fill it, all of the number's last byte.
const testHead = 8

func appendTestFrame(b []byte, number, size int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, uint32(number))
	for range size - testHead { // bit by bit, so that a kill may come in between
		b = append(b, byte(number))
	}
	return b
}

// countTestFrames returns how many frames the stream has: whole, in order,
// each once.
func countTestFrames(stream []byte) (int, error) {
	number := 0
	for ; len(stream) > 0; number++ {
		if len(stream) < testHead {
			return 0, fmt.Errorf("frame %d: torn: %d bytes", number, len(stream))
		}
		size := int(binary.LittleEndian.Uint32(stream))
		if size < testHead || size > len(stream) {
			return 0, fmt.Errorf("frame %d: %d bytes, %d there", number, size, len(stream))
		}
		if !bytes.Equal(stream[:size], appendTestFrame(nil, number, size)) {
			return 0, fmt.Errorf("frame %d: instead of it % x …", number, stream[:min(size, 16)])
		}
		stream = stream[size:]
	}
	return number, nil
}

// helpWrite commits frames to the outbox of the board behind descriptor 3 and
// writes to its stdout what that takes, until it is killed. Its arguments are
// a seed, the largest frame, and from how many bytes on it writes.
func helpWrite(args []string) error {
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[i]); err != nil {
			return err
		}
	}
	b, err := OpenBoard(3)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(1, true); err != nil {
		return err
	}
	rng, o := rand.New(rand.NewPCG(uint64(n[0]), 0)), b.NewOutbox()
	write := func(p []byte) (int, error) { return unix.Write(1, p) }
	for number := 0; ; number++ {
		size := testHead + rng.IntN(n[1])
		for o.Room() < size {
			if err := o.Flush(write); errors.Is(err, unix.EAGAIN) {
				_, _ = unix.Poll([]unix.PollFd{{Fd: 1, Events: unix.POLLOUT}}, -1)
			} else if err != nil {
				return err
			}
		}
		o.Append(func(p []byte) []byte { return appendTestFrame(p, number, size) })
		if o.Pending() >= n[2] {
			if err := o.Flush(write); err != nil && !errors.Is(err, unix.EAGAIN) {
				return err
			}
		}
	}
}

// A worker that is killed at any moment loses nothing that it had committed:
// what came through the pipe, continued by the outbox, is whole frames, none
// missing and none twice.
func TestKill(t *testing.T) {
	again(t, func() int { return killWriters(t, 50) })
}

func killWriters(t *testing.T, rounds int) int {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	frames, rests := 0, 0
	for round := range rounds {
		largest := []int{1, 40, 1000, 50_000}[round%4]
		flushAt := []int{1, 5000, 32 << 10}[round%3]
		n, rest := killRound(t, rng, largest, flushAt)
		frames += n
		if rest > 0 {
			rests++
		}
		if t.Failed() { // the seed is of the rounds; the moment of each kill is the kernel's
			t.Fatalf("round %d: frames up to %d bytes, written from %d on; seed %d", round, largest, flushAt, seed)
		}
	}
	if frames == 0 || rests == 0 {
		t.Errorf("%d frames, %d rounds with a rest: nothing was tested", frames, rests)
	}
	return rounds
}

// killRound starts a writer, reads some of what it writes, kills it, and
// returns how many frames there were and how long the rest was.
func killRound(t *testing.T, rng *rand.Rand, largest, flushAt int) (frames, rest int) {
	b, f, err := CreateBoard()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := helper(t, f, "write", strconv.FormatUint(rng.Uint64()>>2, 10), strconv.Itoa(largest), strconv.Itoa(flushAt))
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	// Read so much, and kill it when it has committed a little more, which any
	// pipe has room for; or when pipe and outbox are full, as they will be.
	read := rng.IntN([]int{1, 1000, 2 * OutboxSize}[rng.IntN(3)])
	more := rng.IntN([]int{1, 100, 3000}[rng.IntN(3)])
	full := rng.IntN(4) == 0
	stream := make([]byte, read)
	_, rerr := io.ReadFull(r, stream)
	if rerr == nil {
		eventually(t, "the writer commits", func() bool {
			base, end := b.base.Load(), b.end.Load() // base first: it never passes end
			return end >= uint64(read+more) && (!full || end-base > uint64(OutboxSize-testHead-largest))
		})
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	tail, err := io.ReadAll(r)
	if err != nil || rerr != nil {
		t.Error(err, rerr)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL {
		t.Error("the writer was not killed: ", err)
	}
	stream = append(stream, tail...)
	left := b.Rest(uint64(len(stream)))
	if len(stream)+len(left) < read+more {
		t.Errorf("%d bytes and a rest of %d, but %d were committed", len(stream), len(left), read+more)
	}
	stream = append(stream, left...)
	if frames, err = countTestFrames(stream); err != nil {
		t.Error(err)
	}
	return frames, len(left)
}
