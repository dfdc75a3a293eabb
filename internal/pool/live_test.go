package pool_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"mpx/internal/task"
)

// A reader that does not read holds up a task's output, not its time limit.
func TestTimeoutWhileLiveWaits(t *testing.T) {
	limits(t, func(limit time.Duration) bool {
		cfg := shell("trap '' TERM; echo $$; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
		cfg.Timeout, cfg.Grace = limit, 100*time.Millisecond
		pids, read := make(chan int, 1), make(chan struct{})
		var first sync.Once
		cfg.Live = func(_ *task.Task, _ int, _ bool, p []byte) error {
			first.Do(func() {
				var pid int
				_, _ = fmt.Sscan(string(p), &pid)
				pids <- pid
			})
			<-read
			return nil
		}
		p := start(t, cfg)
		a := applyAsync(t, p)
		pid := 0
		eventually(t, "output, or the end", func() bool {
			select {
			case pid = <-pids:
				return true
			default:
				return a.Ready()
			}
		})
		if pid != 0 {
			eventually(t, "the task is ended", func() bool { return !lives(pid) })
			if a.Ready() {
				t.Error("its output has been read")
			}
		}
		close(read)
		wantStatus(t, &get(t, a)[0], task.TimedOut)
		return pid != 0
	})
}
