package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"mpx/internal/stats"
)

// A channelResult is how long messages of one size took one way.
type channelResult struct {
	way  string
	size int           // bytes
	time stats.Summary // of a message, in seconds
	runs []float64     // the times themselves
}

// rotation is over how much memory the buffers of messages rotate, in bytes.
const rotation = 64 << 20

// buffers are places for messages, used in turn.
type buffers struct {
	all  []byte
	size int
}

// newBuffers returns buffers whose memory is there.
func newBuffers(size int) *buffers {
	b := &buffers{make([]byte, max(rotation/size, 1)*size), size}
	for i := 0; i < len(b.all); i += 4096 {
		b.all[i] = 1
	}
	return b
}

// at returns the buffer of message i.
func (b *buffers) at(i int) []byte {
	n := len(b.all) / b.size
	return b.all[i%n*b.size:][:b.size]
}

// timeChannels times messages of size bytes, all ways in turn.
func (a *channelBench) timeChannels(size, runs int) ([]channelResult, error) {
	ways := a.ways
	results := make([]channelResult, len(ways))
	order := make([]int, len(ways))
	for i, w := range ways {
		results[i], order[i] = channelResult{way: w.name, size: size}, i
	}
	screen := a.benchScreen()
	defer screen.clear()
	into := newBuffers(size)
	rnd := rand.New(rand.NewPCG(1, 1)) // the same each time
	for round := range runs {
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			screen.show(round, runs, &way{name: ways[i].name + ", " + bytesText(size)})
			seconds, err := ways[i].run(a, into)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", ways[i].name, bytesText(size), err)
			}
			results[i].runs = append(results[i].runs, seconds)
		}
	}
	for i := range results {
		results[i].time = stats.Summarize(results[i].runs)
	}
	return results, nil
}

// messages returns how many messages of size bytes a run sends: so many that it
// takes a good part of a second.
func messages(size int) int { return min(max(256<<20/size, 4), 50_000) }

// A channelEnd is where messages come out.
type channelEnd interface {
	comesFrom(pid int) // the process that sends
	recv(b []byte) error
	noMore() // that process has ended: nobody must wait for it
	Close()
}

// receive has this program, started again, send messages by the way name, whose far end
// is f, and returns how long one took. It closes both ends.
func (a *channelBench) receive(name string, f *os.File, end channelEnd, into *buffers) (seconds float64, err error) {
	defer end.Close()
	count := messages(into.size)
	warm := min(max(2*ringSize/into.size, 1), count)
	cmd := a.command("/proc/self/exe", channelArg, name, strconv.Itoa(into.size), strconv.Itoa(warm), strconv.Itoa(count))
	cmd.Args[0] = os.Args[0]
	cmd.ExtraFiles = []*os.File{f}
	begin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	f.Close()
	if err != nil {
		return 0, fmt.Errorf("start the sender: %w", err)
	}
	end.comesFrom(cmd.Process.Pid)
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		end.noMore()
		ended <- err
	}()
	defer func() {
		begin.Close() // by which the sender ends, also one that still sends
		if werr := <-ended; werr != nil {
			err = fmt.Errorf("the sender: %w", werr) // which is why
		}
	}()
	if err := receiveMessages(end, into, warm); err != nil {
		return 0, err
	}
	start := time.Now()
	if _, err := io.WriteString(begin, "\n"); err != nil {
		return 0, err
	}
	if err := receiveMessages(end, into, count); err != nil {
		return 0, err
	}
	return time.Since(start).Seconds() / float64(count), nil
}

// command returns a command that a way starts. Its process group is its own: no ^C ends
// it before it has tidied up, and a.ctx ends it with all that it has started. If mpx is
// killed, it ends by the end of its stdin.
func (a *channelBench) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(a.ctx, name, args...)
	cmd.Stderr = a.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

var errMixedUp = errors.New("a message came that was not its turn")

func receiveMessages(end channelEnd, into *buffers, count int) error {
	for i := range count {
		b := into.at(i)
		if err := end.recv(b); err != nil {
			return err
		}
		if binary.LittleEndian.Uint64(b) != uint64(i) {
			return errMixedUp
		}
	}
	return nil
}

// copyMessages is what memcpy would take.
func copyMessages(_ *channelBench, into *buffers) (float64, error) {
	from, count := newBuffers(into.size), messages(into.size)
	start := time.Now()
	for i := range count {
		copy(into.at(i), from.at(i))
	}
	return time.Since(start).Seconds() / float64(count), nil
}
