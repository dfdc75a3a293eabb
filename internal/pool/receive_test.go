package pool

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"mpx/internal/ipc"
	"mpx/internal/shm"
	"mpx/internal/task"
)

// The stream of a dead worker's results is whole wherever the pipe's part ends,
// inside a frame too: the outbox continues it.
func TestOutboxContinuesPipe(t *testing.T) {
	const n = 5
	var stream []byte
	stream = ipc.AppendHello(stream, 1)
	for seq := uint64(1); seq <= n; seq++ {
		stream = ipc.Out{Seq: seq, Attempt: 1, Stream: 1, Data: fmt.Append(nil, "out ", seq)}.Append(stream)
		stream = ipc.Out{Seq: seq, Attempt: 1, Stream: 2, Data: fmt.Append(nil, "err ", seq)}.Append(stream)
		stream = (&ipc.Done{Seq: seq, Attempt: 1, Exit: int32(seq - 1), Stdout: []byte(" end")}).Append(stream)
	}
	for cut := range len(stream) + 1 {
		results := received(t, stream, cut, n)
		if len(results) != n {
			t.Fatalf("cut at %d: %d results", cut, len(results))
		}
		for i, r := range results {
			out, _ := r.Stdout.Mem()
			err, _ := r.Stderr.Mem()
			if string(out) != fmt.Sprint("out ", i+1, " end") || string(err) != fmt.Sprint("err ", i+1) || r.Exit != i {
				t.Fatalf("cut at %d, task %d: %q, %q, %d", cut, i+1, out, err, r.Exit)
			}
		}
	}
}

// received returns the results in a stream of which the pipe carried the first
// cut bytes and the outbox holds everything.
func received(t *testing.T, stream []byte, cut, n int) (all []task.Result) {
	t.Helper()
	w := deadWorker(t, n)
	out := w.board.NewOutbox()
	out.Append(func(b []byte) []byte { return append(b, stream...) })
	_ = out.Flush(func(b []byte) (int, error) { return min(cut, len(b)), os.ErrClosed })
	got := make(chan []task.Result)
	go func() {
		var all []task.Result
		for e := range w.p.events {
			for _, r := range e.(reported).results {
				all = append(all, r.r)
			}
		}
		got <- all
	}()
	r, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = pw.Write(stream[:cut])
	pw.Close()
	if err != nil {
		t.Fatal(err)
	}
	w.results = r
	w.read()
	w.readRest()
	close(w.p.events)
	w.board.Close()
	return <-got
}

// deadWorker is one that has had tasks 1 to n, without a process.
func deadWorker(t *testing.T, n int) *worker {
	t.Helper()
	b := newBench(t, 1, Config{})
	w := b.workers[0]
	w.in = ipc.NewDecoder(64)
	board, file, err := shm.CreateBoard()
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	w.board = board
	var items []item
	for seq := range n {
		items = append(items, item{Task: task.Task{Seq: uint64(seq + 1), Attempt: 1}, s: b.stream})
	}
	w.hand(items)
	return w
}

// A worker that does not keep to the protocol is found out; what it had said
// before counts.
func TestMisbehavingWorker(t *testing.T) {
	good := (&ipc.Done{Seq: 1, Attempt: 1}).Append(nil)
	for want, bad := range map[string][]byte{
		"task 3":                 (&ipc.Done{Seq: 3, Attempt: 1}).Append(nil),
		"task 1":                 (&ipc.Done{Seq: 1, Attempt: 1}).Append(nil),
		"malformed frame: OUT":   ipc.AppendFrame(nil, ipc.KindOut, []byte{1}),
		"malformed frame: DONE":  ipc.AppendFrame(nil, ipc.KindDone, nil),
		"malformed frame: HELLO": ipc.AppendFrame(nil, ipc.KindHello, make([]byte, 12)),
		"version 7":              ipc.AppendFrame(nil, ipc.KindHello, []byte("mpxw\x07\x00\x00\x00\x01\x00\x00\x00")),
		"length 0":               make([]byte, 8),
	} {
		w := deadWorker(t, 2)
		w.board.Close()
		stream := append(append([]byte(nil), good...), bad...)
		_, _ = w.in.Fill(func(b []byte) (int, error) { return copy(b, stream), nil })
		for w.in.Waiting() < len(stream) {
			rest := stream[w.in.Waiting():]
			_, _ = w.in.Fill(func(b []byte) (int, error) { return copy(b, rest), nil })
		}
		events := make(chan event, 1)
		w.p.events = events
		if w.decode() || !strings.Contains(w.fault, want) {
			t.Errorf("fault %q, want %q", w.fault, want)
		}
		if e, ok := (<-events).(reported); !ok || len(e.results) != 1 {
			t.Errorf("%s: %+v", want, e)
		}
	}
}

// A kind that the supervisor does not know is skipped.
func TestUnknownKind(t *testing.T) {
	stream := ipc.AppendFrame(nil, 99, []byte("news"))
	stream = (&ipc.Done{Seq: 1, Attempt: 1}).Append(stream)
	if r := received(t, stream, len(stream), 1); len(r) != 1 {
		t.Errorf("%d results", len(r))
	}
}
