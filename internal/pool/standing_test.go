package pool_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// A warm pool has a worker before it has a task.
func TestWarm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "warm")
	cfg := shell(`echo "$1"`)
	cfg.Initializer = []string{"sh", "-c", `echo x >>"$0"`, file}
	p := start(t, cfg)
	if err := p.Warm(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); string(b) != "x\n" {
		t.Errorf("the initializer has written %q, %v", b, err)
	}
	if err := p.Warm(); err != nil {
		t.Error(err)
	}
	st := p.Status()
	if len(st.Workers) != 1 || st.Workers[0].PID == 0 || st.Workers[0].State != "idle" || st.Workers[0].Running != nil {
		t.Errorf("%+v", st)
	}
	if r := apply(t, p, "a"); r.Worker != 1 || r.Status != task.OK {
		t.Errorf("%+v", r)
	}
	p.Close()
	join(t, p)
}

func TestWarmFails(t *testing.T) {
	cfg := shell("true")
	cfg.Initializer = []string{"sh", "-c", "echo because >&2; exit 3"}
	p := start(t, cfg)
	if err := p.Warm(); err == nil || !strings.Contains(err.Error(), "because") {
		t.Errorf("%v", err)
	}
	if err := p.Join(); err == nil {
		t.Error("it has not failed")
	}
}

// Who drops a result takes the task back, unless a worker has it.
func TestDrop(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold + `echo "$1"`)
	cfg.Jobs, cfg.ChunkSize = 1, 1
	p := start(t, cfg)
	runs := applyAsync(t, p, "a")
	s.await()
	waits, stays := applyAsync(t, p, "b"), applyAsync(t, p, "c")
	eventually(t, "two tasks wait", func() bool { return p.Status().Waiting == 2 })
	st := p.Status()
	if len(st.Workers) != 1 || st.Workers[0].State != "busy" || st.Workers[0].Running == nil || st.Workers[0].Has != 1 {
		t.Errorf("%+v", st)
	}
	runs.Drop()
	waits.Drop()
	<-waits.Done()
	if r := get(t, waits)[0]; r.Status != task.Cancelled {
		t.Errorf("what waited is %v", r.Status)
	}
	s.release(2)
	if r := get(t, runs)[0]; r.Status != task.OK || stdout(t, &r) != "a\n" {
		t.Errorf("what ran is %v", r.Status)
	}
	if r := get(t, stays)[0]; r.Status != task.OK || stdout(t, &r) != "c\n" {
		t.Errorf("what nobody dropped is %v", r.Status)
	}
	p.Close()
	join(t, p)
	if _, err := p.ApplyAsync(task.One([]byte("d")), nil); !errors.Is(err, pool.ErrClosed) {
		t.Error(err)
	}
}

// What is dropped is not tried again.
func TestDropNoRetry(t *testing.T) {
	s := newStage(t)
	cfg := shell(s.hello + s.hold + "exit 1")
	cfg.Jobs, cfg.Retries = 1, 3
	p := start(t, cfg)
	a := applyAsync(t, p, "a")
	s.await()
	a.Drop()
	p.Status() // by now the scheduler knows
	s.release(1)
	if r := get(t, a)[0]; r.Attempt != 1 {
		t.Errorf("it was tried %d times", r.Attempt)
	}
	p.Close()
	join(t, p)
}
