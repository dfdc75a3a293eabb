package worker_test

import (
	"os"
	"syscall"
	"testing"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

// tiny is a limit that any process is over.
const tiny = 1 << 10

// worn expects WORN, of a worker that is no fantasy.
func (b *boss) worn() {
	b.t.Helper()
	body, _ := b.want(ipc.KindWorn)
	if n, err := ipc.ParseWorn(body); err != nil || n < 64<<10 || n > 1<<30 || b.board.Resident.Load() != uint64(n) {
		b.t.Errorf("%d bytes, %v; the board says %d", n, err, b.board.Resident.Load())
	}
}

// gaveBack expects GAVEBACKs of the tasks from first to last, in any order.
func (b *boss) gaveBack(first, last int) {
	b.t.Helper()
	missing := map[uint64]bool{}
	for i := first; i <= last; i++ {
		missing[uint64(i)] = true
	}
	for len(missing) > 0 {
		body, _ := b.want(ipc.KindGaveBack)
		seqs, err := ipc.ParseSeqs(body)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, s := range seqs {
			if !missing[s] {
				b.t.Errorf("task %d given back", s)
			}
			delete(missing, s)
		}
	}
}

// A worker over its limit has run one task, says so once, and gives back all
// that it has and gets: more than one frame holds.
func TestWorn(t *testing.T) {
	shell := ipc.Config{Function: "shell", Args: spec(task.Spec{Words: []string{`echo "$1"`}})}
	for _, cfg := range []ipc.Config{commands("echo $1"), shell, {Function: "double"}} {
		cfg.MaxMemory = tiny
		b := hire(t, cfg)
		b.send(tasks(1, 1500))
		b.hello()
		b.done(1)
		b.worn()
		b.gaveBack(2, 1500)
		b.send(tasks(1501, 1502), ipc.AppendRecall(nil, 1), empty(ipc.KindRetire))
		b.gaveBack(1501, 1502)
		for {
			kind, body, ok := b.next()
			if kind == ipc.KindGaveBack && len(body) == 0 { // of the RECALL
				continue
			}
			if kind != ipc.KindBye || !ok {
				t.Errorf("%s: kind %d", cfg.Function, kind)
			}
			break
		}
		b.wantExit(0)
	}
}

// The initializer's end ends no worker: it would never run a task.
func TestWornByInitializer(t *testing.T) {
	cfg := commands("echo $1")
	cfg.MaxMemory, cfg.Initializer = tiny, vector("true")
	b := hire(t, cfg)
	b.hello()
	b.done(0)
	b.send(tasks(1, 1), empty(ipc.KindRetire))
	b.done(1)
	b.worn()
	b.bye()
}

func TestNotWorn(t *testing.T) {
	cfg := commands("echo $1")
	cfg.MaxMemory = 1 << 40
	b := hire(t, cfg)
	b.send(tasks(1, 3), empty(ipc.KindRetire))
	b.hello()
	for i := range 3 {
		b.done(i + 1)
	}
	b.bye()
	if n := b.board.Resident.Load(); n < uint64(os.Getpagesize()) {
		t.Errorf("the board says %d", n)
	}
}

// What an initializer has left running counts with its shell.
func TestWornByWhatInitializerLeft(t *testing.T) {
	path := t.TempDir() + "/pid"
	alone := residentOf(t, ":", func(int64) bool { return true })
	residentOf(t, "sleep 999 & echo $! >"+path, func(n int64) bool { return n > alone+(256<<10) })
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(pid(t, string(text)), syscall.SIGKILL)
}

// residentOf runs tasks in a resident shell, whose initializer is line, until
// what its worker sees of its memory is enough.
func residentOf(t *testing.T, line string, enough func(int64) bool) (n int64) {
	t.Helper()
	b := hire(t, ipc.Config{
		Function: "shell", Args: spec(task.Spec{Words: []string{"echo"}}), Grace: int64(patience),
		MaxMemory: 1 << 40, Initializer: vector("sh", "-c", line),
	})
	b.hello()
	b.done(0)
	seq := 0
	eventually(t, "enough memory", func() bool {
		seq++
		b.send(tasks(seq, seq))
		b.done(seq)
		n = int64(b.board.Resident.Load())
		return enough(n)
	})
	b.send(empty(ipc.KindRetire))
	b.end()
	return n
}
