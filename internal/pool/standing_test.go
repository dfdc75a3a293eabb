package pool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
