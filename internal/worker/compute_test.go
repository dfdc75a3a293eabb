package worker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"
	"mpx/internal/task"
	"mpx/internal/worker"

	"golang.org/x/sys/unix"
)

func function(t *testing.T, name, args string) worker.Compute {
	t.Helper()
	f, err := worker.Function(name, []byte(args))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFunction(t *testing.T) {
	for _, name := range []string{"exec", "nosuch", ""} {
		if _, err := worker.Function(name, nil); err == nil || !strings.Contains(err.Error(), "no function named") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, args := range []string{"", "{}", `{"algorithm":"crc"}`} {
		if _, err := worker.Function("digest", []byte(args)); err == nil {
			t.Errorf("digest %s: no error", args)
		}
	}
}

func TestDouble(t *testing.T) {
	f := function(t, "double", "")
	for in, want := range map[string]string{
		"0": "0\n", "21": "42\n", "-3": "-6\n", "+4": "8\n",
		"123456789012345678901234567890": "246913578024691357802469135780\n",
		"":                               "", "x": "", "1.5": "", "1 ": "",
	} {
		r := f(task.One([]byte(in)))
		if string(r.Stdout) != want || (r.Exit == 0) != (want != "") || (len(r.Stderr) == 0) != (want != "") {
			t.Errorf("%q: %q, exit %d, %q", in, r.Stdout, r.Exit, r.Stderr)
		}
	}
	for _, v := range []task.Values{{}, task.List([]byte("1"), []byte("2"))} {
		if r := f(v); r.Exit != 1 {
			t.Errorf("%d values: exit %d", v.Len(), r.Exit)
		}
	}
}

// The checksums are those of the commands that people know.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, 127, 128 << 10, 128<<10 + 1, 1 << 20} {
		path := filepath.Join(dir, fmt.Sprint(size))
		if err := os.WriteFile(path, []byte(strings.Repeat("mpx ", size/4+1))[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		for name := range worker.Algorithms {
			f := function(t, "digest", `{"algorithm":"`+name+`"}`)
			out, err := exec.Command(name+"sum", path).Output()
			if err != nil {
				t.Skip(err)
			}
			want, _, _ := strings.Cut(string(out), " ")
			for range 2 { // its state is kept from file to file
				if r := f(task.One([]byte(path))); string(r.Stdout) != want || r.Exit != 0 {
					t.Errorf("%s of %d bytes: %s, want %s", name, size, r.Stdout, want)
				}
			}
		}
	}
}

// Whatever else bears the name is an error, and nothing that blocks.
func TestDigestOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", dir+"/loop"); err != nil {
		t.Fatal(err)
	}
	f := function(t, "digest", `{"algorithm":"sha256"}`)
	for name, want := range map[string]string{
		dir: "not a regular file", dir + "/fifo": "not a regular file", "/dev/null": "not a regular file",
		dir + "/nothing": "no such file or directory", dir + "/loop": "too many levels of symbolic links", "": "no such file or directory",
	} {
		if r := f(task.One([]byte(name))); r.Exit != 1 || string(r.Stderr) != want || len(r.Stdout) != 0 {
			t.Errorf("%s: exit %d, %q", name, r.Exit, r.Stderr)
		}
	}
	if r := f(task.Values{}); r.Exit != 1 {
		t.Errorf("no path: exit %d", r.Exit)
	}
}

// computing is a configuration and a value at which its worker computes for
// minutes.
func computing(t *testing.T) (cfg ipc.Config, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sparse")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<38); err != nil {
		t.Fatal(err)
	}
	return ipc.Config{Function: "digest", Args: []byte(`{"algorithm":"sha256"}`)}, path
}

// endless is a worker that computes for minutes at path.
func endless(t *testing.T, limit time.Duration) (b *boss, path string) {
	t.Helper()
	cfg, path := computing(t)
	cfg.Timeout = int64(limit)
	b = hire(t, cfg)
	b.hello()
	return b, path
}

// While it computes the worker hears: RECALL, STOP, the supervisor's end.
func TestComputingWorkerHears(t *testing.T) {
	b, path := endless(t, 0)
	b.send(taskOf(1, path), tasks(2, 4), ipc.AppendRecall(nil, 2))
	if body, _ := b.want(ipc.KindGaveBack); len(body) != 16 {
		t.Errorf("gave back %d", len(body)/8)
	}
	eventually(t, "it computes", func() bool { return b.board.State.Load() == shm.Busy && b.board.Seq.Load() == 1 })
	b.send(ipc.AppendStop(nil, int(unix.SIGTERM), int64(patience)))
	if d, _ := b.done(1); d.End != ipc.Stopped || d.Signal != int32(unix.SIGKILL) {
		t.Errorf("%+v", d)
	}
	b.bye()

	b, path = endless(t, 0)
	b.send(taskOf(1, path))
	eventually(t, "it computes", func() bool { return b.board.State.Load() == shm.Busy })
	b.requests.Close()
	b.wantExit(0)
}

// The time limit ends the worker, whose end says that nothing else had begun.
// The clock is each task's own.
func TestComputeTimeout(t *testing.T) {
	small := filepath.Join(t.TempDir(), "small")
	if err := os.WriteFile(small, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	limit := 100 * time.Millisecond
	for ; !computesUpTo(t, small, limit) && !t.Failed(); limit *= 2 { // that is too little here for any task
		if limit > patience {
			t.Fatalf("nothing is computed within %v", limit)
		}
	}
}

// computesUpTo is false if a small task takes longer than limit.
func computesUpTo(t *testing.T, small string, limit time.Duration) bool {
	b, path := endless(t, limit)
	for i := 1; i <= 4; i++ {
		if b.send(taskOf(i, small)); i == 4 {
			b.send(taskOf(5, path), taskOf(6, small))
		}
		if d, _ := b.done(i); d.End == ipc.TimedOut && time.Duration(d.Elapsed) >= limit {
			b.bye()
			return false
		}
	}
	if d, _ := b.done(5); d.End != ipc.TimedOut || time.Duration(d.Elapsed) < limit {
		t.Errorf("%+v", d)
	}
	b.bye()
	return true
}

// A reply that does not fit the outbox waits for the supervisor to read, and
// the loop hears meanwhile.
func TestLargeReply(t *testing.T) {
	number := strings.Repeat("4", 400_000)
	wire := task.One([]byte(number)).AppendWire(nil)
	request := func(seq int) (b []byte) {
		p := ipc.TaskPiece{Seq: uint64(seq), Attempt: 1}
		for rest := wire; len(rest) > 0; {
			n := min(len(rest), ipc.MaxPiece)
			p.Data, rest = rest[:n], rest[n:]
			p.Last = len(rest) == 0
			b = p.Append(b)
		}
		return b
	}
	b := hire(t, ipc.Config{Function: "double"})
	b.hello()
	b.send(request(1), request(2), request(3))
	for i := 1; i <= 2; i++ {
		if _, out := b.done(i); out != strings.Repeat("8", 400_000)+"\n" {
			t.Errorf("task %d: %d bytes", i, len(out))
		}
	}
	b.done(3)

	b = hire(t, ipc.Config{Function: "double"}) // and if nobody ever reads
	b.send(request(1), request(2))
	eventually(t, "it computes", func() bool { return b.board.State.Load() == shm.Busy })
	b.requests.Close()
	b.wantExit(0)
}
