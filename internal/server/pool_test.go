package server

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/pool"
	"mpx/internal/shm"
	"mpx/internal/task"
	"mpx/internal/worker"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The test binary is the supervisor, and its workers.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ipc.WorkerArg {
		os.Exit(worker.Main(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == SupervisorArg {
		os.Exit(Supervise(os.Args[2:], waiter))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // workers' alone
	os.Exit(m.Run())
}

// A hosted pool has its supervisor in this process.
type hosted struct {
	*supervisor
	t    *testing.T
	dir  *shm.Dir
	over chan struct{} // closed when the supervisor has left
}

// host starts a pool of the shell line script.
func host(t *testing.T, script string) *hosted {
	t.Helper()
	return hostHalting(t, script, pool.Halt{})
}

func hostHalting(t *testing.T, script string, halt pool.Halt) *hosted {
	t.Helper()
	// Longer than the address of a socket may be.
	dir, err := shm.OpenDir(filepath.Join(t.TempDir(), strings.Repeat("d", 150)))
	if err != nil {
		t.Fatal(err)
	}
	var door *listener
	record, err := dir.MakePool("p", func(side string) (err error) {
		door, err = listen(side)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSupervisor(&PoolSetup{
		Config:  pool.Config{Function: "exec", Args: task.Spec{Words: []string{"sh", "-c", script, "sh"}}, Jobs: 1, ChunkSize: 1, Grace: time.Second, Halt: halt},
		Check:   func(int) *PoolError { return nil },
		Display: func(*task.Task, int) string { return "a task" },
	}, record, door)
	if err != nil {
		t.Fatal(err)
	}
	h := &hosted{s, t, dir, make(chan struct{})}
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.run()
		s.leave()
		close(h.over)
	}()
	t.Cleanup(func() {
		s.change(func() { s.abandoned = true })
		s.terminate()
		<-h.over
		if files, err := os.ReadDir(dir.Path()); err != nil || len(files) > 0 {
			t.Errorf("left: %v, %v", files, err)
		}
	})
	return h
}

// client is one that says what it likes.
func (h *hosted) client() *ipc.Connection {
	h.t.Helper()
	c, err := dial(h.record.Side())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

func (h *hosted) send(c *ipc.Connection, r request, body string) {
	h.t.Helper()
	if err := c.Send(r.encode([]byte(body))); err != nil {
		h.t.Fatal(err)
	}
}

// answers receives to the end of an answer, and returns the output.
func (h *hosted) answers(c *ipc.Connection) (a answer, out string) {
	h.t.Helper()
	for {
		b, err := c.Recv(-1)
		if err != nil {
			h.t.Fatal(err)
		}
		a, body, err := decodeAnswer(b)
		if err != nil {
			h.t.Fatal(err)
		}
		if a.Is != isOut {
			return a, out
		}
		out += string(body)
	}
}

// Hundreds of clients that come one after another are served in that order.
func TestManyClients(t *testing.T) {
	dir := t.TempDir()
	fifo, list := filepath.Join(dir, "fifo"), filepath.Join(dir, "list")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	h := host(t, `if test "$1" = 0; then read x <`+fifo+`; fi; echo "$1" >>`+list)
	const n = 300
	var clients [n]*ipc.Connection
	for i := range clients {
		c := h.client()
		clients[i] = c
		text := strconv.Itoa(i)
		h.send(c, request{Do: doApply, Sizes: []int{len(text)}}, text)
		for h.pool.Status().Read != uint64(i+1) {
			time.Sleep(50 * time.Microsecond)
		}
	}
	if st := h.status(); st.Clients != n || st.Waiting != n-1 || len(st.Workers) != 1 || st.Workers[0].Task != "a task" {
		t.Errorf("%+v", st)
	}
	if err := os.WriteFile(fifo, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	for i, c := range clients {
		if a, _ := h.answers(c); a.Is != isEnd || a.Result.Status != "ok" {
			t.Fatalf("client %d: %+v", i, a)
		}
	}
	b, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Fields(string(b)) {
		if line != strconv.Itoa(i) {
			t.Fatalf("task %s was the %d.", line, i)
		}
	}
}

// A result stays until its client says that it has it.
func TestGot(t *testing.T) {
	h := host(t, `echo "$1"; echo err >&2; exit 3`)
	c := h.client()
	h.send(c, request{Do: doSubmit, Sizes: []int{1}}, "a")
	a, _ := h.answers(c)
	ticket := a.Ticket
	for range 2 {
		c := h.client()
		h.send(c, request{Do: doGet, Ticket: ticket, Wait: -1}, "")
		if a, out := h.answers(c); out != "a\nerr\n" || a.Is != isEnd || a.Result.Exit != 3 || a.Result.Status != "failed" {
			t.Errorf("%q, %+v", out, a)
		}
		c.Close()
	}
	h.send(c, request{Do: doGet, Ticket: ticket, Wait: -1}, "")
	h.answers(c)
	h.send(c, request{Do: doGot}, "")
	h.send(c, request{Do: doReady, Ticket: ticket}, "")
	if a, _ := h.answers(c); a.Is != isError || a.Error.Kind != KindUnknown {
		t.Errorf("%+v", a)
	}
}

// Of several that want one result one gets it.
func TestGetOnce(t *testing.T) {
	h := host(t, `echo "$1"`)
	p, err := DialPool(h.dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ticket, err := p.Submit([]string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	const n = 8
	got := make(chan error, n)
	for range n {
		go func() {
			p, err := DialPool(h.dir, "p")
			if err == nil {
				defer p.Close()
				_, err = p.Get(ticket, shm.Wait{}, io.Discard, io.Discard)
			}
			got <- err
		}()
	}
	had := 0
	for range n {
		var e *PoolError
		if err := <-got; err == nil {
			had++
		} else if !errors.As(err, &e) || e.Kind != KindUnknown {
			t.Error(err)
		}
	}
	if had != 1 {
		t.Errorf("%d have got it", had)
	}
}

// What a client has applied is taken back when it hangs up, if it has not begun.
func TestHangUp(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	h := host(t, `case $1 in f) read x <`+fifo+`;; esac; echo x >>`+dir+`/"$1"`)
	first := h.client()
	h.send(first, request{Do: doApply, Sizes: []int{1}}, "f")
	for st := h.status(); len(st.Workers) == 0 || st.Workers[0].Task == ""; st = h.status() {
		time.Sleep(time.Millisecond)
	}
	second := h.client()
	h.send(second, request{Do: doApply, Sizes: []int{1}}, "s")
	for h.status().Waiting == 0 {
		time.Sleep(time.Millisecond)
	}
	second.Close()
	for h.status().Waiting != 0 {
		time.Sleep(time.Millisecond)
	}
	first.Close()
	if err := os.WriteFile(fifo, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	third := h.client()
	h.send(third, request{Do: doApply, Sizes: []int{1}}, "t")
	h.answers(third)
	for file, want := range map[string]bool{"f": true, "s": false, "t": true} {
		if _, err := os.Stat(filepath.Join(dir, file)); (err == nil) != want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Who does not keep to the protocol is hung up on, or told; others go on.
func TestNonsense(t *testing.T) {
	h := host(t, "true")
	for _, b := range []string{"", "no header", "\n", "apply x\n", "get\nt", strings.Repeat("x", headerMost) + "\n"} {
		c := h.client()
		if err := c.Send([]byte(b)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Recv(-1); !errors.Is(err, io.EOF) && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("%.20q: %v", b, err)
		}
	}
	c := h.client()
	for _, r := range []request{{Do: "dance"}, {Do: doApply, Sizes: []int{5}}, {Do: doApply, Sizes: []int{-1}}, {Do: doGot}} {
		h.send(c, r, "ab")
		if a, _ := h.answers(c); a.Is != isError || a.Error.Kind != KindUsage {
			t.Errorf("%+v: %+v", r, a)
		}
	}
	if err := c.Send([]byte("join 0 red\n")); err != nil {
		t.Fatal(err)
	}
	if a, _ := h.answers(c); a.Is != isError || a.Error.Kind != KindRunning {
		t.Errorf("%+v", a)
	}
}

// A client that is hung up on is not told that the supervisor was killed.
func TestHungUp(t *testing.T) {
	h := host(t, "true")
	p, err := DialPool(h.dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.c.Send([]byte("no header")); err != nil {
		t.Fatal(err)
	}
	var lost *LostError
	if _, err := p.Status(); err == nil || errors.As(err, &lost) || !strings.Contains(err.Error(), "has hung up") {
		t.Error(err)
	}
}

// Who hangs up while another goroutine waits ends that wait, at once.
func TestHangUpWaiting(t *testing.T) {
	h := host(t, "exec sleep 300")
	p, err := DialPool(h.dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ended := make(chan error)
	go func() {
		_, err := p.Apply([]string{"x"}, io.Discard, io.Discard)
		ended <- err
	}()
	for h.pool.Status().Read == 0 {
		time.Sleep(50 * time.Microsecond)
	}
	p.HangUp()
	if err := <-ended; !errors.Is(err, ErrHungUp) {
		t.Error(err)
	}
}

// A long output comes in pieces.
func TestPieces(t *testing.T) {
	h := host(t, `dd if=/dev/zero bs=1M count=8 status=none`)
	c := h.client()
	h.send(c, request{Do: doApply, Sizes: []int{1}}, "a")
	size := 0
	for {
		b, err := c.Recv(-1)
		if err != nil {
			t.Fatal(err)
		}
		a, body, err := decodeAnswer(b)
		if err != nil {
			t.Fatal(err)
		}
		if a.Is == isEnd {
			break
		}
		if len(body) > pieceSize {
			t.Fatalf("a piece of %d bytes", len(body))
		}
		size += len(body)
	}
	if size != 8<<20 {
		t.Errorf("%d bytes", size)
	}
}

func FuzzRequest(f *testing.F) {
	for _, text := range []string{"apply 1 2\nabc", "apply 0 -1 70000\n", "get -1\nt-1", "join 5 more\n", "status\n"} {
		f.Add([]byte(text), 3)
	}
	store := task.NewStore(f.TempDir())
	f.Cleanup(func() { store.Close() })
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		r, body, err := decodeRequest(b)
		if err != nil {
			return
		}
		j := newJob(store, r.Sizes)
		for piece := range slices.Chunk(body, min(max(1, size), pieceSize)) {
			j.add(store, piece)
		}
		v, err := j.load()
		if j.check() != nil {
			return
		}
		if err != nil || v.Len() != len(r.Sizes) {
			t.Fatalf("%v of %d values", err, v.Len())
		}
		var all []byte
		for i, n := range r.Sizes {
			if len(v.At(i)) != n {
				t.Errorf("value %d has %d bytes, not %d", i, len(v.At(i)), n)
			}
			all = append(all, v.At(i)...)
		}
		if !bytes.Equal(all, body) {
			t.Errorf("%q is cut into %q", body, all)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, a := range []answer{
		{Is: isOut, Stream: 1},
		{Is: isTicket, Ticket: "t-1"},
		{Is: isDone},
		{Is: isEnd, Result: &Outcome{Status: "failed", Exit: 3, Start: 5, Known: true, Note: "n\nn", Hint: "h"}},
		{Is: isError, Error: &PoolError{KindUsage, "text", "hint"}},
	} {
		f.Add(a.encode([]byte("body")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, body, err := decodeAnswer(b)
		if err != nil || a.Is == isStatus {
			return
		}
		again, _, err := decodeAnswer(a.encode(body))
		if diff := cmp.Diff(a, again); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
	})
}
