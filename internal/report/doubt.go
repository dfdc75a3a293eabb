package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"mpx/internal/task"
)

// What a filter says is taken for the reply to the first record that waits for one.
// Whether that was right shows when a copy of it ends: it has then answered as many as
// it was given, or more, or fewer, and then any of its replies may be another
// record's. Until then a reply is a success that can be taken back.

// A copyReplies is what must be known to take back the replies of a copy, which is a
// worker's only one.
type copyReplies struct {
	delivered int      // replies
	first     *Failure // the first of them, should it turn out to be one
	lines     spool    // that the joblog has for them
	places    spool    // of those that the results directory has, each ended by NUL
	doubted   bool
}

// repliesOf returns what is kept of the copy that has given res; nil: it is no reply,
// or is known to be right.
func (r *Report) repliesOf(res *task.Result) *copyReplies {
	if res.Status != task.OK {
		return nil
	}
	return r.copies[res.Worker]
}

// arrived takes in res before anything is kept of it.
func (r *Report) arrived(res *task.Result) {
	if !r.o.Replies || res.Status != task.OK || res.Worker == 0 {
		return
	}
	c := r.copies[res.Worker]
	if c == nil {
		c = &copyReplies{lines: spool{store: r.o.Store}, places: spool{store: r.o.Store}, doubted: res.Worker <= r.doubted}
		r.copies[res.Worker] = c
	}
	if c.doubted {
		doubt(res)
	}
}

// doubtNote is of no single task: it is shown once.
const doubtNote = "a reply may be another record's: the filter answers too much or too little"

// doubt makes of a success what came of a worker that was of no use.
func doubt(res *task.Result) {
	res.Status, res.Note = task.Lost, doubtNote
}

// due takes in res when its turn has come. A reply that is not trusted by then is none.
func (r *Report) due(res *task.Result) *copyReplies {
	c := r.repliesOf(res)
	switch {
	case c == nil:
	case c.doubted:
		doubt(res)
		return nil
	default:
		if c.first == nil {
			c.first = &Failure{Seq: res.Seq, How: task.Lost.String(), Command: r.display(res)}
		}
		c.delivered += res.N()
	}
	return c
}

// Vouch says that the filter of a worker has answered all that it was given, and no
// more: its replies stand.
func (r *Report) Vouch(worker int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.copies[worker]; c != nil && !c.doubted {
		c.release()
		delete(r.copies, worker)
	}
}

// Doubt says that the filter has answered too much or too little in one of the workers
// up to last, all of which run the same command. Their tasks are not done, but for
// those of workers that Vouch was called for: the joblog, which may have them as done,
// says so, and nothing in the results directory says that they are complete. The first
// error is one of writing that.
func (r *Report) Doubt(last int) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted = max(r.doubted, last)
	before := r.sum.Doubted
	for _, worker := range slices.Sorted(maps.Keys(r.copies)) {
		if c := r.copies[worker]; worker <= last && !c.doubted {
			c.doubted = true
			err = cmp.Or(err, r.takeBack(c))
			c.release()
		}
	}
	if n := r.sum.Doubted - before; n > 0 {
		r.say(fmt.Sprintf("%s may be wrong, and %s not done: the filter answers too much or too little", replies(n), theirTasks(n)))
	}
	return err
}

// takeBack has the tasks of c be no successes. The joblog comes first: what it says is
// done is not run again, and would stay incomplete.
func (r *Report) takeBack(c *copyReplies) (err error) {
	if r.o.Joblog != nil {
		err = c.lines.each('\n', r.o.Joblog.takeBack)
	}
	if r.o.Results != nil {
		err = cmp.Or(err, c.places.each(0, r.o.Results.takeBack))
	}
	r.sum.takeBack(c)
	return err
}

func (c *copyReplies) release() {
	c.lines.release()
	c.places.release()
}

// takeBack counts the replies of c as lost.
func (s *Summary) takeBack(c *copyReplies) {
	if c.first == nil {
		return
	}
	n := c.delivered
	s.Doubted += n
	s.OK -= n
	s.By[task.OK] -= n
	s.By[task.Lost] += n
	if s.First == nil || c.first.Seq < s.First.Seq {
		s.First = c.first
	}
	s.failed(kind{status: task.Lost}, n)
}

func replies(n int) string {
	if n == 1 {
		return "1 reply"
	}
	return commas(n) + " replies"
}

func theirTasks(n int) string {
	if n == 1 {
		return "its task is"
	}
	return "their tasks are"
}
