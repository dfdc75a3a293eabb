package pool_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"mpx/internal/task"
)

// A reader that does not read holds up a task's output, not its time limit.
func TestTimeoutWhileLiveWaits(t *testing.T) {
	path := t.TempDir() + "/pid"
	cfg := shell("echo $$ >" + path + ".new; mv " + path + ".new " + path + "; trap '' TERM; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
	cfg.Timeout, cfg.Grace = 300*time.Millisecond, 100*time.Millisecond
	read := make(chan struct{})
	cfg.Live = func(*task.Task, int, bool, []byte) error { <-read; return nil }
	p := start(t, cfg)
	a := applyAsync(t, p)
	pid := 0
	eventually(t, "the task runs", func() bool {
		b, err := os.ReadFile(path)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		}
		return err == nil
	})
	eventually(t, "it is ended", func() bool { return !lives(pid) })
	if a.Ready() {
		t.Error("its output has been read")
	}
	close(read)
	wantStatus(t, &get(t, a)[0], task.TimedOut)
}
