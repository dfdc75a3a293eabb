package pool

import (
	"slices"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"
	"mpx/internal/task"
)

// read takes in the result stream to its end: the pipe's, and then what a dead
// worker had committed and not written.
func (w *worker) read() {
	for {
		n, err := w.in.Fill(w.results.Read)
		w.got += uint64(n)
		if !w.decode() {
			break
		}
		if err != nil {
			break // io.EOF; a pipe gives no other
		}
	}
}

// readRest decodes what the worker left in its outbox. It must be dead.
func (w *worker) readRest() {
	rest := w.board.Rest(w.got)
	for len(rest) > 0 {
		n, _ := w.in.Fill(func(b []byte) (int, error) { return copy(b, rest), nil })
		rest = rest[n:]
		if !w.decode() {
			return
		}
	}
}

// decode takes in all whole frames at hand and tells the scheduler of them at
// once. It is false when the worker cannot be understood, and is killed.
func (w *worker) decode() bool {
	e := reported{w: w}
	for {
		kind, body, ok, err := w.in.Next()
		if err == nil && ok {
			err = w.understand(&e, kind, body)
		}
		if err != nil {
			w.fault = err.Error()
			w.kill()
		}
		if err != nil || !ok {
			if e.tells() {
				e.resident = w.resident()
				w.p.send(e)
			}
			return err == nil
		}
	}
}

// resident is what the worker had in memory at its last look, in bytes; 0: it does
// not look.
func (w *worker) resident() int64 {
	if w.memory == 0 {
		return 0
	}
	return int64(w.board.Resident.Load())
}

// tells reports whether e has anything for the scheduler.
func (e *reported) tells() bool {
	return e.starved || len(e.results) > 0 || len(e.began) > 0 || e.token > 0 || e.recall || e.noStart != nil || e.starts || e.badInit != nil || e.paused || e.ready || e.worn > 0
}

// understand takes in one frame. An error is one of the worker, which is then
// ended.
func (w *worker) understand(e *reported, kind ipc.Kind, body []byte) error {
	switch kind {
	case ipc.KindHello:
		_, err := ipc.ParseHello(body)
		e.ready = len(w.p.cfg.Initializer) == 0 && w.p.cfg.tellsReady() && !w.p.cfg.tellsWarm()
		return err
	case ipc.KindWorn:
		resident, err := ipc.ParseWorn(body)
		e.worn = resident
		return err
	case ipc.KindOut:
		return w.output(body)
	case ipc.KindDone:
		return w.done(e, body)
	case ipc.KindGaveBack:
		seqs, err := ipc.ParseSeqs(body)
		e.back, e.recall = append(e.back, w.giveBack(seqs)...), true
		return err
	case ipc.KindNoStart:
		return w.noStart(e, body)
	case ipc.KindStart:
		return w.began(e, body)
	case ipc.KindGot:
		number, err := ipc.ParseToken(body)
		e.token = number
		return err
	case ipc.KindLeft:
		w.why, w.left = "a finished task left processes", true
		pids, err := ipc.ParseLeft(body)
		w.p.kin.left(pids)
		return err
	case ipc.KindReplies:
		return w.replies(e, body)
	case ipc.KindSaid:
		return w.filterSaid(body)
	case ipc.KindStarved:
		e.starved = true
		return ipc.ParseEmpty(body)
	case ipc.KindWarm:
		e.ready = true
		return ipc.ParseEmpty(body)
	case ipc.KindQuit:
		return w.quit(body)
	case ipc.KindPaused:
		e.paused = true
		return ipc.ParseEmpty(body)
	case ipc.KindFault:
		w.fault = string(body)
	case ipc.KindBye:
		w.bye = true
		return ipc.ParseEmpty(body)
	}
	return nil
}

// output adds a piece to the output of the running task.
func (w *worker) output(body []byte) error {
	o, err := ipc.ParseOut(body)
	if err != nil {
		return err
	}
	if o.Seq == 0 {
		w.said.add(o.Data)
		return nil
	}
	if w.p.cfg.Live != nil {
		it, err := w.front(o.Seq)
		if err == nil {
			if werr := w.p.cfg.Live(&it.Task, w.slot, o.Stream == 2, o.Data); werr != nil {
				w.p.fail(werr)
			}
		}
		return err
	}
	to := &w.stdout
	if o.Stream == 2 {
		to = &w.stderr
	}
	if err := to.Append(w.p.store, o.Data); err != nil {
		w.p.fail(err)
	}
	return nil
}

// done turns DONE into a result.
func (w *worker) done(e *reported, body []byte) error {
	d, err := ipc.ParseDone(body)
	if err != nil {
		return err
	}
	if len(d.Stdout) > 0 {
		if err := w.stdout.Append(w.p.store, d.Stdout); err != nil {
			w.p.fail(err)
		}
	}
	r := w.result(&d)
	if d.Seq == 0 {
		return w.initialized(e, r)
	}
	it, err := w.answer(d.Seq)
	if err != nil {
		return err
	}
	r.Task = it.Task
	e.results = append(e.results, result{it, r})
	return nil
}

// began takes in that a task has begun.
func (w *worker) began(e *reported, body []byte) error {
	seq, start, err := ipc.ParseStart(body)
	if err != nil {
		return err
	}
	it, err := w.front(seq)
	e.began = append(e.began, result{r: task.Result{Task: it.Task, Worker: w.number, Slot: w.slot, Start: time.Unix(0, start)}})
	return err
}

// running returns the task that w runs now, if it runs one.
func (w *worker) running() (r task.Running, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.inflight) == 0 || !w.runs(&w.inflight[0]) {
		return r, false // also between two tasks, or when its end is on the way
	}
	t := w.inflight[0].Task
	if t.N() > 1 { // it runs the first record
		t = t.Cut(1, w.p.cfg.Delim)
	}
	t.Single()
	return task.Running{Task: t, Slot: w.slot, Worker: w.number, Start: time.Unix(0, int64(w.board.Start.Load()))}, true
}

// runs reports whether w is seen to run it. w.mu must be held.
func (w *worker) runs(it *item) bool {
	return w.started && !w.gone && w.board.State.Load() == shm.Busy && w.board.Seq.Load() == it.Seq
}

// result is d without its task.
func (w *worker) result(d *ipc.Done) task.Result {
	r := task.Result{
		Exit: int(d.Exit), Signal: int(d.Signal), Worker: w.number, Slot: w.slot,
		Start: time.Unix(0, d.Start), Elapsed: time.Duration(d.Elapsed),
		Usage:  task.Usage{User: time.Duration(d.User), System: time.Duration(d.System), MaxRSS: d.MaxRSS, Known: d.Used},
		Stdout: w.stdout, Stderr: w.stderr, Note: d.Note, Hint: d.Hint,
	}
	w.stdout, w.stderr = task.Output{}, task.Output{}
	if !d.Timed {
		r.Start = time.Now()
	}
	switch {
	case d.End == ipc.TimedOut:
		r.Status = task.TimedOut
	case d.End == ipc.Stopped:
		r.Status = task.Cancelled
	case d.Signal != 0:
		r.Status = task.Signalled
	case !slices.Contains(w.p.cfg.OKStatus, r.Exit):
		r.Status = task.Failed
	}
	return r
}

func (w *worker) noStart(e *reported, body []byte) error {
	seq, _, why, err := ipc.ParseNoStart(body)
	if err != nil {
		return err
	}
	if seq == 0 {
		w.fault, w.short = "its initializer cannot be started: "+why, true
		return nil
	}
	it, err := w.answer(seq)
	if err != nil {
		return err
	}
	e.noStart, e.why = &it, why
	w.why = "no room for its task: " + why
	return nil
}
