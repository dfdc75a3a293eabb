package report

import (
	"cmp"
	"fmt"
	"io"

	"mpx/internal/task"
)

// Print prints text, data of no task, to stdout at once. The error is a *WriteError.
func (r *Report) Print(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.out.Write([]byte(text))
	r.out.flush()
	return r.out.fail
}

// deliver prints res, counts it and releases it. A task whose results could not be
// saved has no line in the joblog: it is still to be done. The error is one of
// reading its output; those of the streams stay with them.
func (r *Report) deliver(res *task.Result) (err error) {
	replied := r.due(res)
	if r.o.Joblog != nil && !r.unsaved[res.Seq] {
		r.o.Joblog.add(res, r.received(res), replied)
	}
	delete(r.unsaved, res.Seq)
	switch r.o.Mode {
	case Grouped:
		err = r.printGroup(res)
	case LineBuffered:
		err = r.printRest(res)
	case JSON:
		err = r.printObject(res)
	}
	if res.Note != "" {
		r.notice(res.Note, res.Hint, res.Status == task.Lost && res.Note != doubtNote)
	}
	r.count(res)
	err = cmp.Or(err, r.record(res))
	res.Release()
	return err
}

// received returns how many bytes res's task has written to its stdout.
func (r *Report) received(res *task.Result) int64 {
	n := res.Stdout.Size()
	if l := r.lanes[res.Seq]; l != nil && l.attempt == res.Attempt {
		n += l.out.size
	}
	return n
}

// record hands res to the records.
func (r *Report) record(res *task.Result) (err error) {
	for _, rec := range r.o.Records {
		err = cmp.Or(err, rec.Record(res))
	}
	return err
}

// printGroup prints the whole of res.
func (r *Report) printGroup(res *task.Result) error {
	if res.Stdout.Size() == 0 && res.Stderr.Size() == 0 {
		return nil
	}
	var tag []byte
	if r.o.Tag != nil {
		tag = r.o.Tag(&res.Task, res.Slot)
	}
	err := r.print(&r.out, res.Seq, tag, &res.Stdout)
	if res.Stderr.Size() > 0 {
		// Both may be one terminal or file: what was first stands first.
		r.out.flush()
		err = cmp.Or(err, r.print(&r.err, res.Seq, tag, &res.Stderr))
		r.err.flush()
	}
	return err
}

// print writes task seq's output o to s.
func (r *Report) print(s *stream, seq uint64, tag []byte, o *task.Output) error {
	if o.Size() == 0 {
		return nil
	}
	s.begin(seq)
	p, inMem := o.Mem()
	switch {
	case inMem && r.o.Tag == nil:
		_, _ = s.Write(p)
	case inMem:
		t := tagger{s, true, tag}
		_, _ = t.Write(p)
	case r.o.Tag == nil:
		return copyTo(s, s, seq, o)
	default:
		return copyTo(&tagger{s, true, tag}, s, seq, o)
	}
	return nil
}

// copyTo writes o to w, which ends in s. The error is one of reading o.
func copyTo(w io.Writer, s *stream, seq uint64, o *task.Output) error {
	if s.fail != nil {
		return nil
	}
	if _, err := o.WriteTo(w); err != nil && s.fail == nil {
		return fmt.Errorf("print %s of task %d: %w", s.name, seq, err)
	}
	return nil
}
