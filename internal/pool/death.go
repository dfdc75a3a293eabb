package pool

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"mpx/internal/shm"
	"mpx/internal/task"
)

// end reaps the process, whose result stream has ended, and says how it came
// about and what it had.
func (w *worker) end() died {
	var ws syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(w.pid, &ws, 0, nil); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	w.p.kin.ended(w.pid)
	w.mu.Lock()
	w.gone = true
	_ = w.requests.Close()
	w.mu.Unlock()
	w.more.Signal()
	w.results.Close()
	w.readRest()
	d := died{w: w}
	if !w.bye || w.fault != "" {
		d.how = w.how(ws)
		w.p.kin.sweep(w.pid, int(w.board.Group.Load()))
	}
	d.back = w.takeInflight()
	if d.how != nil && len(d.back) > 0 && w.board.State.Load() == shm.Busy && w.board.Seq.Load() == d.back[0].Seq {
		d.lost, d.back = &d.back[0], d.back[1:]
		d.part = task.Result{Stdout: w.stdout, Stderr: w.stderr, Start: time.Unix(0, int64(w.board.Start.Load()))}
		d.part.Elapsed = time.Since(d.part.Start)
		d.part.Signal = signalOf(ws)
	} else {
		w.stdout.Release()
		w.stderr.Release()
	}
	w.board.Close()
	return d
}

// how says why a worker is gone that should not be.
func (w *worker) how(ws syscall.WaitStatus) error {
	switch {
	case w.fault != "":
		return errors.New("gave up: " + w.fault)
	case ws.Signaled():
		return fmt.Errorf("was killed by signal %d (%s)", ws.Signal(), ws.Signal())
	default:
		return fmt.Errorf("left with status %d", ws.ExitStatus())
	}
}

func signalOf(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return int(ws.Signal())
	}
	return 0
}
