package worker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/shm"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// patience is how long what must happen may take on a busy machine.
const patience = 30 * time.Second

// A boss is the supervisor of one worker, without a pool's cleverness.
type boss struct {
	t        *testing.T
	pid      int
	requests *os.File
	results  *os.File
	board    *shm.Board
	in       *ipc.Decoder
	reaped   bool
	status   syscall.WaitStatus
}

// hire starts a worker and tells it its configuration.
func hire(t *testing.T, cfg ipc.Config) *boss {
	t.Helper()
	b := start(t)
	if cfg.Worker == 0 {
		cfg.Worker, cfg.Slot, cfg.Jobs = 1, 1, 1
	}
	data, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.send(ipc.AppendConfig(nil, data))
	return b
}

// commands is the configuration of a worker that runs scripts, with a task's
// values as $1 ….
func commands(script string) ipc.Config { return words("sh", "-c", script, "sh") }

func words(w ...string) ipc.Config {
	return ipc.Config{Function: "exec", Args: spec(task.Spec{Words: w}), Grace: int64(patience)}
}

func vector(words ...string) (b [][]byte) {
	for _, w := range words {
		b = append(b, []byte(w))
	}
	return b
}

func spec(s task.Spec) []byte {
	args, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return args
}

func start(t *testing.T) *boss {
	t.Helper()
	reqR, reqW, err1 := os.Pipe()
	resR, resW, err2 := os.Pipe()
	board, file, err3 := shm.CreateBoard()
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	defer reqR.Close()
	defer resW.Close()
	defer file.Close()
	fd, err := proc.HandDown(file.Fd())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.TakeBack(fd)
	pid, pidfd, err := proc.Start(&proc.Spec{
		Path: "/proc/self/exe", Argv: []string{os.Args[0], ipc.WorkerArg, strconv.Itoa(fd)}, Env: os.Environ(),
		Files: [3]int{int(reqR.Fd()), int(resW.Fd()), 2}, Session: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(pidfd)
	b := &boss{t: t, pid: pid, requests: reqW, results: resR, board: board, in: ipc.NewDecoder(4096)}
	t.Cleanup(b.dismiss)
	return b
}

// dismiss is the supervisor's end; the worker's must follow.
func (b *boss) dismiss() {
	b.requests.Close()
	b.results.Close()
	b.end()
	b.board.Close()
}

// end waits for the worker's end.
func (b *boss) end() syscall.WaitStatus {
	b.t.Helper()
	for end := time.Now().Add(patience); !b.reaped; time.Sleep(time.Millisecond) {
		pid, err := syscall.Wait4(b.pid, &b.status, syscall.WNOHANG, nil)
		if b.reaped = pid == b.pid || err == syscall.ECHILD; !b.reaped && time.Now().After(end) {
			_ = syscall.Kill(b.pid, syscall.SIGKILL)
			b.t.Fatal("the worker does not leave")
		}
	}
	return b.status
}

// wantExit expects the worker to leave with status.
func (b *boss) wantExit(status int) {
	b.t.Helper()
	if ws := b.end(); !ws.Exited() || ws.ExitStatus() != status {
		b.t.Errorf("worker ended with %#x, want exit status %d", ws, status)
	}
}

func (b *boss) send(frames ...[]byte) {
	b.t.Helper()
	if _, err := b.requests.Write(bytes.Join(frames, nil)); err != nil {
		b.t.Fatal(err)
	}
}

// next waits for a frame. ok is false at the end of the stream.
func (b *boss) next() (kind ipc.Kind, body []byte, ok bool) {
	b.t.Helper()
	_ = b.results.SetReadDeadline(time.Now().Add(patience))
	for {
		kind, body, ok, err := b.in.Next()
		if err != nil {
			b.t.Fatal(err)
		}
		if ok {
			return kind, bytes.Clone(body), true
		}
		if n, err := b.in.Fill(b.results.Read); n == 0 {
			if os.IsTimeout(err) {
				b.t.Fatal("the worker says nothing")
			}
			return 0, nil, false
		}
	}
}

// want expects a frame of kind; OUTs that come before are returned together.
func (b *boss) want(kind ipc.Kind) (body []byte, out string) {
	b.t.Helper()
	for {
		k, body, ok := b.next()
		if !ok {
			b.t.Fatalf("end of the stream, want kind %d", kind)
		}
		if k == ipc.KindOut && kind != ipc.KindOut {
			o, err := ipc.ParseOut(body)
			if err != nil {
				b.t.Fatal(err)
			}
			out += string(o.Data)
			continue
		}
		if k != kind {
			b.t.Fatalf("kind %d (%q), want %d", k, body, kind)
		}
		return body, out
	}
}

func (b *boss) hello() {
	b.t.Helper()
	body, _ := b.want(ipc.KindHello)
	if pid, err := ipc.ParseHello(body); err != nil || pid != b.pid {
		b.t.Errorf("HELLO of %d, %v; want %d", pid, err, b.pid)
	}
}

// done expects the end of task seq and returns it with all of its output.
func (b *boss) done(seq int) (ipc.Done, string) {
	b.t.Helper()
	body, out := b.want(ipc.KindDone)
	d, err := ipc.ParseDone(body)
	if err != nil || d.Seq != uint64(seq) || d.Attempt != 1 {
		b.t.Fatalf("DONE %+v, %v; want that of %d", d, err, seq)
	}
	return d, out + string(d.Stdout)
}

// bye expects BYE, the end of the stream and a good end.
func (b *boss) bye() {
	b.t.Helper()
	b.want(ipc.KindBye)
	if kind, _, ok := b.next(); ok {
		b.t.Errorf("kind %d after BYE", kind)
	}
	b.wantExit(0)
}

// tasks are TASK frames of the numbers from first to last, which are their
// values.
func tasks(first, last int) []byte {
	var b []byte
	for i := first; i <= last; i++ {
		b = append(b, taskOf(i, strconv.Itoa(i))...)
	}
	return b
}

func taskOf(seq int, values ...string) []byte {
	var vs [][]byte
	for _, v := range values {
		vs = append(vs, []byte(v))
	}
	return ipc.TaskPiece{Seq: uint64(seq), Attempt: 1, Last: true, Data: task.List(vs...).AppendWire(nil)}.Append(nil)
}

func empty(kind ipc.Kind) []byte { return ipc.AppendEmpty(nil, kind) }

// gate is a FIFO that tasks wait at: the shell words that do so, and what lets
// n of them go on.
func gate(t *testing.T) (wait string, open func(n int)) {
	t.Helper()
	path := t.TempDir() + "/gate"
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return "read x <" + path, func(n int) {
		if _, err := f.WriteString(strings.Repeat("\n", n)); err != nil {
			t.Error(err)
		}
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func lives(pid int) bool {
	st, err := proc.ReadStat(pid)
	return err == nil && st.State != 'Z' && st.State != 'X'
}

// pid reads the number that a task has written.
func pid(t *testing.T, text string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatalf("no pid: %q", text)
	}
	return n
}
