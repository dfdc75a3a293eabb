package pool

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"mpx/internal/shm"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// end reaps the process, whose result stream has ended, and says how it came
// about and what it had.
func (w *worker) end() died {
	ws := w.reap()
	w.more.Signal()
	w.results.Close()
	w.readRest()
	d := died{w: w, why: w.why, doubted: w.doubted}
	ran := w.wasRunning()
	if !w.bye || w.fault != "" {
		d.how, d.killed = w.how(ws), w.fault == "" && ws.Signaled()
		if ran || !w.left { // else it has its mark only on what a finished task has left
			w.p.kin.sweep(w.mark, int(w.board.Group.Load()))
		}
	}
	w.removeGroup(d.how != nil)
	d.back = w.takeInflight()
	if w.p.cfg.AnyOrder { // what there is of a reply is nobody can say whose
		w.stdout.Release()
		w.stderr.Release()
	}
	if d.how != nil && ran {
		first := w.cut(&d.back, 1)
		d.lost = &first
		d.part = task.Result{Stdout: w.stdout, Stderr: w.stderr, Start: time.Unix(0, int64(w.board.Start.Load()))}
		d.part.Elapsed = time.Since(d.part.Start)
		d.part.Signal = signalOf(ws)
	} else {
		w.stdout.Release()
		w.stderr.Release()
	}
	w.returnToken()
	w.board.Close()
	return d
}

// wasRunning reports whether the process, which is dead, was in a task that it has not
// answered.
func (w *worker) wasRunning() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.inflight) > 0 && w.board.State.Load() == shm.Busy && w.board.Seq.Load() == w.inflight[0].Seq
}

// reap waits for the process to end and takes its status. From then on its pid
// is nobody's, and kill knows it: the two happen under the lock.
func (w *worker) reap() (ws syscall.WaitStatus) {
	for errors.Is(unix.Waitid(unix.P_PID, w.pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if _, err := syscall.Wait4(w.pid, &ws, 0, nil); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	w.p.kin.ended(w.pid)
	w.gone = true
	_ = w.requests.Close()
	return ws
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
