package report

import (
	"bytes"
	"cmp"
	"fmt"

	"mpx/internal/task"
)

// Live takes the next piece of what a task writes, which it copies. For one
// task and stream the calls come in order, and all of them before that task's
// result is given to Add. A new attempt makes what earlier ones have not
// printed yet go. Errors are those of Add, and of holding the piece back.
func (r *Report) Live(t *task.Task, slot int, stderr bool, p []byte) error {
	if r.o.Mode != LineBuffered {
		panic("bug: live output in a mode that has none")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lane(t, slot)
	l.stream(stderr).size += int64(len(p))
	if stderr && len(r.o.Records) > 0 {
		l.keepTail(p)
	}
	if r.o.Results != nil {
		if err := l.stream(stderr).all.Append(r.o.Store, p); err != nil {
			return fmt.Errorf("keep output of task %d: %w", t.Seq, err)
		}
	}
	if r.ordered && t.Seq != r.ring.Next() {
		if err := l.stream(stderr).held.Append(r.o.Store, p); err != nil {
			return fmt.Errorf("hold output of task %d: %w", t.Seq, err)
		}
		return nil
	}
	err := r.printLines(l, stderr, p)
	r.out.flush()
	r.err.flush()
	r.redraw()
	return cmp.Or(r.out.fail, err)
}

// printLines prints the lines that p ends and keeps what comes after them, however long
// it grows: a line has one piece. Errors are those of keeping it.
func (r *Report) printLines(l *lane, stderr bool, p []byte) (err error) {
	s := l.stream(stderr)
	if end := bytes.LastIndexByte(p, '\n') + 1; end > 0 {
		line := task.Bytes(p[:end])
		err = cmp.Or(r.emit(l, stderr, &s.part), r.emit(l, stderr, &line))
		p = p[end:]
	}
	if len(p) == 0 || err != nil {
		return err
	}
	if err := s.part.Append(r.o.Store, p); err != nil {
		return fmt.Errorf("keep a line of task %d: %w", l.seq, err)
	}
	return nil
}

// emit prints o as it is, but for tags, and releases it. The error is one of reading it.
func (r *Report) emit(l *lane, stderr bool, o *task.Output) error {
	if o.Size() == 0 {
		return nil
	}
	to := &r.out
	if stderr {
		r.out.flush()
		to = &r.err
	}
	defer o.Release()
	return r.print(to, l.seq, l.tag, o)
}

// promote prints what the oldest unfinished task was held back with; from now
// on it is live.
func (r *Report) promote() error {
	if !r.ordered || len(r.lanes) == 0 {
		return nil
	}
	if l := r.lanes[r.ring.Next()]; l != nil {
		return r.printHeld(l)
	}
	return nil
}

func (r *Report) printHeld(l *lane) (err error) {
	for _, stderr := range []bool{false, true} {
		s := l.stream(stderr)
		if s.held.Size() == 0 {
			continue
		}
		to := &r.out
		if stderr {
			to = &r.err
		}
		err = cmp.Or(err, copyTo(lineWriter{r, l, stderr}, to, l.seq, &s.held))
		s.held.Release()
	}
	r.err.flush()
	return err
}

type lineWriter struct {
	r      *Report
	l      *lane
	stderr bool
}

func (w lineWriter) Write(p []byte) (int, error) {
	if err := w.r.printLines(w.l, w.stderr, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// printRest prints what res's task has left in its lane, and what the result
// itself brought.
func (r *Report) printRest(res *task.Result) error {
	if l := r.lanes[res.Seq]; l != nil && l.attempt != res.Attempt {
		r.dropLane(l) // an earlier attempt's; this one wrote nothing
	}
	tail := r.liveTail(res)
	err := r.finish(res.Seq)
	return cmp.Or(err, r.printGroup(res), r.bringTail(res, tail))
}

// finish prints all that the lane of task seq, if it has one, still holds.
func (r *Report) finish(seq uint64) error {
	l := r.lanes[seq]
	if l == nil {
		return nil
	}
	err := cmp.Or(r.printHeld(l), r.emit(l, false, &l.out.part), r.emit(l, true, &l.err.part))
	r.err.flush()
	l.out.all.Release()
	l.err.all.Release()
	delete(r.lanes, seq)
	return err
}
