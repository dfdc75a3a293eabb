package pool_test

import (
	"crypto/sha256"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"mpx/internal/task"
)

// F8: 64 MiB of argument and of result on every worker at once: neither side
// waits for the other.
func TestLargeBothWays(t *testing.T) {
	const size, jobs = 16 << 20, 4
	s := newStage(t)
	cfg := shell(s.hello + s.hold + "exec cat")
	cfg.Jobs, cfg.ChunkSize = jobs, 1
	p := start(t, cfg)
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	src := &batches{err: errSource, all: [][]task.Task{{}}}
	for i := range jobs {
		src.all[0] = append(src.all[0], task.Task{FromStdin: true, Stdin: data[i:]})
	}
	it, err := p.Imap(src)
	if err != nil {
		t.Fatal(err)
	}
	for range jobs {
		s.await()
	}
	s.release(jobs)
	for i := range jobs {
		r, err := next(t, it)
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, &r, task.OK)
		sum := sha256.New()
		if n, err := r.Stdout.WriteTo(sum); err != nil || n != size-int64(i) {
			t.Errorf("task %d: %d bytes, %v", i, n, err)
		}
		if want := sha256.Sum256(data[i:]); [32]byte(sum.Sum(nil)) != want {
			t.Errorf("task %d: other bytes", i)
		}
		r.Release()
	}
}

// The values of a task, too, cross in pieces; and a standard input that nobody
// reads is no harm.
func TestLargeValues(t *testing.T) {
	cfg := shell(`test $# = 0 && exit; shift; echo $# ${#1} ${#11}`)
	p := start(t, cfg)
	words := make([]string, 12)
	for i := range words {
		words[i] = strings.Repeat(string('a'+rune(i)), 100_000)
	}
	it, err := p.Imap(&batches{err: errSource, all: [][]task.Task{{
		{Values: list(words...), FromStdin: true, Stdin: make([]byte, 1<<20)},
		{FromStdin: true},
		{Values: list("", "")},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"11 100000 100000\n", "", "1 0 0\n"} {
		r, err := next(t, it)
		if err != nil {
			t.Fatal(err)
		}
		if got := stdout(t, &r); got != want {
			t.Errorf("%q, want %q; %s", got, want, stderr(t, &r))
		}
	}
}

// What one task writes does not stay in memory.
func TestLargeOutputSpills(t *testing.T) {
	const size = 200_000_000
	p := start(t, shell("head -c 200000000 /dev/zero; echo end"))
	runtime.GC()
	a := applyAsync(t, p)
	var most atomic.Uint64
	for !a.Ready() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most.Store(max(most.Load(), m.HeapAlloc))
		a.Wait(1e6)
	}
	r := get(t, a)[0]
	wantStatus(t, &r, task.OK)
	var last tail
	if n, err := r.Stdout.WriteTo(&last); n != size+4 || err != nil || string(last.b) != "end\n" {
		t.Errorf("%d bytes, %v, ending in %q", n, err, last.b)
	}
	if most.Load() > 60<<20 {
		t.Errorf("heap of %d bytes", most.Load())
	}
}

// tail keeps the last four bytes.
type tail struct{ b []byte }

func (l *tail) Write(p []byte) (int, error) {
	l.b = append(l.b, p[max(0, len(p)-4):]...)
	l.b = append([]byte(nil), l.b[max(0, len(l.b)-4):]...)
	return len(p), nil
}
