// Package report is what the user sees of a run: the order of the output, its
// grouping and tags, JSON lines, the results directory, records such as a JUnit
// file, notices and the message at the end. One Report owns the screen:
// everything that a run writes to stdout and stderr goes through it, under one
// mutex.
//
// It knows nothing of processes, workers or flags; the writers are handed in.
package report

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"mpx/internal/task"
)

// A Report shows a run. It is safe for use by several goroutines.
type Report struct {
	o       Options
	ordered bool // tasks wait for their turn

	mu       sync.Mutex // guards the following, and the writers
	out, err stream
	ring     *task.Ring[*task.Result] // results that wait for their turn
	lanes    map[uint64]*lane         // LineBuffered: by task number
	said     map[int][]byte           // by worker: the beginning of its line
	copies   map[int]*copyReplies     // Options.Replies: by worker
	doubted  int                      // the last worker that Doubt was called for
	unsaved  map[uint64]bool          // tasks not delivered yet whose results could not be saved
	notices  notices
	sum      Summary
	progress *progress
	scratch  []byte // for JSON
}

// New returns a Report for tasks numbered from 1.
func New(o Options) *Report {
	o.ErrName = cmp.Or(o.ErrName, "mpx")
	if o.Store == nil {
		o.Store = task.NewStore("")
	}
	apart := o.Tag != nil
	r := &Report{
		o:       o,
		ordered: o.Order == Input && o.Mode != Ungrouped && o.Mode != Quiet,
		out:     stream{name: "stdout", w: o.Stdout, bol: true, apart: apart},
		err:     stream{name: "stderr", w: o.Stderr, bol: true, apart: apart},
		ring:    task.NewRing[*task.Result](1),
		lanes:   map[uint64]*lane{},
		said:    map[int][]byte{},
		copies:  map[int]*copyReplies{},
		unsaved: map[uint64]bool{},
		sum:     Summary{name: o.ErrName},
	}
	r.progress = &progress{w: o.Stderr, start: time.Now()}
	r.progress.rate.add(r.progress.start, 0)
	r.err.progress = r.progress
	if o.OneScreen {
		r.out.progress = r.progress
	}
	if o.GitHub != nil {
		r.o.Records = append(slices.Clip(o.Records), o.GitHub)
		r.guardCommands()
	}
	return r
}

// Add takes the results of attempts. It prints the tasks whose turn it is, and
// releases their outputs. The elements of batch become the
// Report's, the slice itself stays the caller's. It returns how many results,
// of this batch and earlier ones, are finished with; that holds after an error
// too, so that whoever waits for them to make room waits in vain for none.
//
// The error is a *WriteError when stdout cannot be written, then and in every
// later call; else the first that made a task's results or a part of its
// output unavailable.
func (r *Report) Add(batch []task.Result) (delivered int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range batch {
		if batch[i].Again {
			err = cmp.Or(err, r.retried(&batch[i]))
			continue
		}
		r.arrived(&batch[i])
		r.progress.note(&batch[i])
		n, e := r.add(&batch[i])
		delivered += n
		err = cmp.Or(err, e)
	}
	err = cmp.Or(err, r.promote())
	err = cmp.Or(err, r.flush())
	return delivered, cmp.Or(r.out.fail, err)
}

// flush writes what has been printed and, when it is out, logs its tasks.
func (r *Report) flush() error {
	r.out.flush()
	defer r.redraw()
	if r.o.Joblog == nil || r.out.fail != nil {
		return nil
	}
	return r.o.Joblog.commit()
}

func (r *Report) add(res *task.Result) (delivered int, err error) {
	if r.o.Results != nil && !res.Before {
		err = r.save(res, "")
	}
	if !r.ordered {
		return res.N(), cmp.Or(err, r.deliver(res))
	}
	if res.Seq != r.ring.Next() {
		held := *res
		r.ring.Put(res.Seq, &held)
		return 0, err
	}
	// The usual case goes straight out.
	err = cmp.Or(err, r.deliver(res))
	r.ring.Skip(res.N())
	n, e := r.drain()
	return res.N() + n, cmp.Or(err, e)
}

// drain delivers the held results whose turn it is.
func (r *Report) drain() (delivered int, err error) {
	if r.ring.Len() == 0 {
		return 0, nil
	}
	for {
		res, ok := r.ring.Pop()
		if !ok {
			return delivered, err
		}
		err = cmp.Or(err, r.deliver(res))
		r.ring.Skip(res.N() - 1)
		delivered += res.N()
	}
}

// retried takes the result of an attempt that another one follows: its output
// is kept in the results directory and not printed, its note is shown.
func (r *Report) retried(res *task.Result) (err error) {
	if r.o.Results != nil {
		err = r.save(res, attemptDir(res.Attempt))
	}
	if res.Note != "" {
		r.notice(res.Note, res.Hint, res.Status == task.Lost)
	}
	err = cmp.Or(err, r.bringTail(res, r.liveTail(res)), r.record(res))
	res.Release()
	return err
}

// Broken says why mpx cannot go on with the run, before Close: the records tell it, as
// what they have of the run may have gone well.
func (r *Report) Broken(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Broken = why.Error()
}

// Close prints what is still held back, though tasks before it never ended,
// and says what there is to say at the end. It does not close the writers. The
// error is a *WriteError when stdout or, stdout being fine, stderr failed.
func (r *Report) Close() (Summary, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endProgress()
	r.sum.Elapsed = time.Since(r.progress.start)
	r.sum.long = r.progress.o.Mode == ProgressPlain || r.progress.o.Mode != ProgressNever && r.sum.Elapsed >= longRun
	err := r.closeHeld()
	r.closeSaid()
	r.closeNotices()
	err = cmp.Or(err, r.flush())
	r.err.flush()
	if r.o.Results != nil {
		err = cmp.Or(err, r.o.Results.Close())
	}
	if r.o.Joblog != nil {
		err = cmp.Or(err, r.o.Joblog.close())
	}
	for _, rec := range r.o.Records {
		err = cmp.Or(err, rec.Close(&r.sum))
	}
	return r.sum, cmp.Or(r.out.fail, err, r.err.fail)
}

// MidLine reports whether what is printed to stderr next would go on a task's
// line that has no end.
func (r *Report) MidLine() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.err.bol || r.o.OneScreen && !r.out.bol
}

// closeHeld delivers all of the ring, skipping the gaps, then prints what
// tasks without a result have written.
func (r *Report) closeHeld() (err error) {
	for r.ring.Len() > 0 {
		err = cmp.Or(err, r.finish(r.ring.Next()))
		r.ring.Skip(1)
		_, e := r.drain()
		err = cmp.Or(err, e)
	}
	for _, seq := range r.openLanes() {
		err = cmp.Or(err, r.finish(seq))
	}
	return err
}
