package pool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/pool"
	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// patience is how long what must happen may take on a busy machine.
const patience = 30 * time.Second

// command is the configuration of a pool that runs words for each task.
func command(words ...string) pool.Config {
	return pool.Config{Function: "exec", Args: task.Spec{Words: words}, Jobs: 2, Grace: patience}
}

// shell is command for a script, which gets a task's values as $1, $2 ….
func shell(script string) pool.Config { return command("sh", "-c", script, "sh") }

// doubles is the configuration of a pool that doubles integers, without
// processes of its own for tasks.
func doubles() pool.Config { return pool.Config{Function: "double", Jobs: 4} }

// start makes a pool. At the test's end its workers are gone.
func start(t *testing.T, cfg pool.Config) *pool.Pool {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = task.NewStore("")
		t.Cleanup(func() { cfg.Store.Close() })
	}
	p, err := pool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(syscall.SIGKILL, 0)
		soon(t, "Join", func() { _ = p.Join() })
	})
	return p
}

// soon fails the test, and shows where everybody is, unless f returns.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	within(t, patience, what, f)
}

func within(t *testing.T, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		b := make([]byte, 1<<20)
		t.Fatalf("%s does not return\n%s", what, b[:runtime.Stack(b, true)])
	}
}

// join expects p to end well.
func join(t *testing.T, p *pool.Pool) {
	t.Helper()
	var err error
	soon(t, "Join", func() { err = p.Join() })
	if err != nil {
		t.Errorf("Join: %v", err)
	}
}

// get waits for a.
func get(t *testing.T, a *pool.AsyncResult) []task.Result {
	t.Helper()
	r, err := a.Get(patience)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return r
}

// apply runs one task.
func apply(t *testing.T, p *pool.Pool, words ...string) task.Result {
	t.Helper()
	return get(t, applyAsync(t, p, words...))[0]
}

func applyAsync(t *testing.T, p *pool.Pool, words ...string) *pool.AsyncResult {
	t.Helper()
	a, err := p.ApplyAsync(list(words...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mapAll runs a task for each of words.
func mapAll(t *testing.T, p *pool.Pool, words ...string) []task.Result {
	t.Helper()
	return get(t, mapAsync(t, p, words...))
}

func mapAsync(t *testing.T, p *pool.Pool, words ...string) *pool.AsyncResult {
	t.Helper()
	a, err := p.MapAsync(each(words...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// next takes the next result of it.
func next(t *testing.T, it *pool.Iterator) (r task.Result, err error) {
	t.Helper()
	soon(t, "Next", func() { r, err = it.Next() })
	return r, err
}

// drain takes all results of it, to the error that ends them.
func drain(t *testing.T, it *pool.Iterator) (all []task.Result, err error) {
	t.Helper()
	soon(t, "the last Next", func() {
		for {
			var r task.Result
			if r, err = it.Next(); err != nil {
				return
			}
			all = append(all, r)
		}
	})
	return all, err
}

func list(words ...string) task.Values {
	var b [][]byte
	for _, w := range words {
		b = append(b, []byte(w))
	}
	return task.List(b...)
}

// each is a task's values for each of words.
func each(words ...string) []task.Values {
	vs := make([]task.Values, len(words))
	for i, w := range words {
		vs[i] = list(w)
	}
	return vs
}

// numbers is "0" to "n-1".
func numbers(n int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = strconv.Itoa(i)
	}
	return words
}

func stdout(t *testing.T, r *task.Result) string { return text(t, &r.Stdout) }
func stderr(t *testing.T, r *task.Result) string { return text(t, &r.Stderr) }

func text(t *testing.T, o *task.Output) string {
	t.Helper()
	var b strings.Builder
	if _, err := o.WriteTo(&b); err != nil {
		t.Error(err)
	}
	return b.String()
}

// wantDoubles checks that results are those of numbers(n), in order.
func wantDoubles(t *testing.T, results []task.Result, n int) {
	t.Helper()
	if len(results) != n {
		t.Fatalf("%d results, want %d", len(results), n)
	}
	for i := range results {
		wantDouble(t, &results[i], i)
	}
}

func wantDouble(t *testing.T, r *task.Result, i int) {
	t.Helper()
	if got := stdout(t, r); got != strconv.Itoa(2*i)+"\n" || r.Index != uint64(i) || r.Status != task.OK {
		t.Errorf("result %d: %q, index %d, %s; want %d", i, got, r.Index, r.Status, 2*i)
	}
}

// wantStatus checks how r ended.
func wantStatus(t *testing.T, r *task.Result, want task.Status) {
	t.Helper()
	if r.Status != want {
		t.Errorf("task %d: %s (exit %d, signal %d, note %q, stderr %q), want %s",
			r.Seq, r.Status, r.Exit, r.Signal, r.Note, stderr(t, r), want)
	}
}

// eventually polls until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// limits calls f with longer and longer time limits, until it says that all that is to
// come before the limit did: how long that takes is the machine's to say.
func limits(t *testing.T, f func(limit time.Duration) (inTime bool)) {
	t.Helper()
	for limit := 100 * time.Millisecond; !f(limit) && !t.Failed(); limit *= 2 {
		if limit > patience {
			t.Fatalf("not even within %v", limit)
		}
	}
}

// A stage lets a test see tasks begin and hold them: two FIFOs, which the test
// has open at both ends, so that no task waits in its open.
type stage struct {
	t      *testing.T
	hello  string // shell: says that the task has begun
	hold   string // shell: waits until the test lets one go on
	begun  *os.File
	gate   *os.File
	buffer []byte
}

// An actor is a task that has said hello.
type actor struct {
	seq, attempt int
	worker       int // pid
	pid          int // of its shell
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t}
	begun, f := fifo(t, "begun")
	s.begun, s.hello = f, `echo "$MPX_SEQ $MPX_ATTEMPT $MPX_WORKER_PID $$" >`+begun+"\n"
	gate, f := fifo(t, "gate")
	s.gate, s.hold = f, "read x <"+gate+"\n"
	return s
}

// fifo makes one, open at both ends.
func fifo(t *testing.T, name string) (string, *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return path, f
}

// line waits for the next line from f.
func (s *stage) line() string {
	s.t.Helper()
	_ = s.begun.SetReadDeadline(time.Now().Add(patience))
	for {
		if line, rest, ok := bytes.Cut(s.buffer, []byte{'\n'}); ok {
			s.buffer = rest
			return string(line)
		}
		var b [4096]byte
		n, err := s.begun.Read(b[:])
		if err != nil {
			s.t.Fatalf("no task has begun: %v", err)
		}
		s.buffer = append(s.buffer, b[:n]...)
	}
}

// awaitUnless waits for the next task to say hello, unless over comes first.
func (s *stage) awaitUnless(over func() bool) (a actor, ok bool) {
	s.t.Helper()
	for {
		ended := over()
		_ = s.begun.SetReadDeadline(time.Now().Add(time.Millisecond))
		var b [4096]byte
		n, _ := s.begun.Read(b[:])
		s.buffer = append(s.buffer, b[:n]...)
		if bytes.IndexByte(s.buffer, '\n') >= 0 {
			return s.await(), true
		}
		if ended {
			return a, false
		}
	}
}

// await waits for the next task to say hello.
func (s *stage) await() (a actor) {
	s.t.Helper()
	line := s.line()
	if _, err := fmt.Sscan(line, &a.seq, &a.attempt, &a.worker, &a.pid); err != nil {
		s.t.Fatalf("hello %q: %v", line, err)
	}
	return a
}

// release lets n tasks go on.
func (s *stage) release(n int) {
	s.t.Helper()
	if _, err := s.gate.WriteString(strings.Repeat("\n", n)); err != nil {
		s.t.Fatal(err)
	}
}

func children() []int { return proc.Children(os.Getpid()) }

// workers returns the pids of this process's children that are workers.
func workers() (pids []int) {
	for _, pid := range children() {
		cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.Contains(cmd, []byte("\x00"+ipc.WorkerArg+"\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill ends pid by SIGKILL.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("kill %d: %v", pid, err)
	}
}

// killRandom ends one of this process's workers, by a descriptor, so that a
// pid that has changed its owner meanwhile cannot be hit.
func killRandom(r *rand.Rand) bool {
	pids := workers()
	if len(pids) == 0 {
		return false
	}
	pid := pids[r.IntN(len(pids))]
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	for _, p := range workers() {
		if p == pid {
			return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
		}
	}
	return false
}

// lives reports whether pid is a process that has not ended.
func lives(pid int) bool {
	st, err := proc.ReadStat(pid)
	return err == nil && st.State != 'Z' && st.State != 'X'
}

// wantGone checks that pids have ended by now.
func wantGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if lives(pid) {
			t.Errorf("process %d lives on: %s", pid, describe([]int{pid}))
		}
	}
}

// a batches source yields its batches, then err.
type batches struct {
	all [][]task.Task
	err error
}

func (b *batches) Next() ([]task.Task, error) {
	if len(b.all) == 0 {
		return nil, b.err
	}
	first := b.all[0]
	b.all = b.all[1:]
	return first, nil
}

// tasks makes a task of each word.
func tasks(words ...string) []task.Task {
	ts := make([]task.Task, len(words))
	for i, w := range words {
		ts[i].Values = list(w)
	}
	return ts
}

// source yields a task of each word, size at a time.
func source(size int, words ...string) *batches {
	b := &batches{err: io.EOF}
	for len(words) > 0 {
		n := min(size, len(words))
		b.all = append(b.all, tasks(words[:n]...))
		words = words[n:]
	}
	return b
}

// A tap is a source that a test feeds.
type tap struct {
	c     chan []task.Task
	once  sync.Once
	calls chan struct{} // one for each Next that waits
}

func newTap(t *testing.T) *tap {
	p := &tap{c: make(chan []task.Task), calls: make(chan struct{}, 1000)}
	t.Cleanup(p.close)
	return p
}

func (p *tap) close() { p.once.Do(func() { close(p.c) }) }

func (p *tap) Next() ([]task.Task, error) {
	p.calls <- struct{}{}
	if ts, ok := <-p.c; ok {
		return ts, nil
	}
	return nil, io.EOF
}

// notices collects what a pool tells its user.
type notices struct {
	mu  sync.Mutex
	all []string
}

func (n *notices) add(message, hint string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, message)
}

func (n *notices) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.all...)
}

var errSource = errors.New("the source broke")
