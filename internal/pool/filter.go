package pool

import (
	"errors"
	"fmt"
	"strings"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

// A worker of the function "filter" has many tasks at work, which may be spans
// of records, and answers many at once.

// A UselessError is why a pool gives up whose filter does not answer as a filter must.
type UselessError struct {
	text string
	// Doubted says that what it has answered may be replies to other records.
	Doubted bool
}

func (e *UselessError) Error() string { return e.text }

const (
	filterTries = 5 // filters that die without a reply, in a row, until the pool gives up
	// starvedLeast is how many tasks a worker has at least once a filter was seen
	// to hold back its replies.
	starvedLeast = 64
)

// filters is what the scheduler knows of filters.
type filters struct {
	least  int  // tasks that a worker should have, whatever their run time
	hoards bool // filters hold back their replies, as the user knows
}

// replies takes in that the first tasks in flight have gone well.
func (w *worker) replies(e *reported, body []byte) error {
	r, err := ipc.ParseReplies(body)
	if err != nil {
		return err
	}
	if _, err := w.front(r.Seq); err != nil {
		return err
	}
	for left := int(r.Count); left > 0; {
		it, ok := w.cutInflight(left)
		if !ok {
			return fmt.Errorf("%s has answered more than it was given", w.name())
		}
		n := it.N()
		part := r.Data
		if n < left {
			part = part[:task.EndOf(part, n, w.p.cfg.Delim)]
		}
		if err := w.stdout.Append(w.p.store, part); err != nil {
			w.p.fail(err)
		}
		r.Data = r.Data[len(part):]
		took := r.Elapsed * int64(n) / int64(left)
		w.reply(e, it, r.Start, took)
		r.Start, r.Elapsed = r.Start+took, r.Elapsed-took
		left -= n
	}
	return nil
}

// cutInflight removes the first item in flight; of a span, up to n records.
func (w *worker) cutInflight(n int) (it item, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.inflight) == 0 {
		return it, false
	}
	return w.cut(&w.inflight, n), true
}

// reply adds the result of it, whose output is whole.
func (w *worker) reply(e *reported, it item, start, took int64) {
	r := w.result(&ipc.Done{Timed: true, Start: start, Elapsed: took})
	r.Task = it.Task
	if w.p.cfg.Watch != nil {
		e.began = append(e.began, result{r: r})
	}
	e.results = append(e.results, result{it, r})
}

// filterSaid passes on what the worker's filter has written to its stderr.
func (w *worker) filterSaid(body []byte) error {
	text, err := ipc.ParseSaid(body)
	if err != nil {
		return err
	}
	w.says.add(text)
	if w.p.cfg.Said != nil {
		w.p.cfg.Said(w.number, text)
	}
	return nil
}

// quit takes in that the worker's filter is of no more use.
func (w *worker) quit(body []byte) error {
	q, err := ipc.ParseQuit(body)
	if err != nil {
		return err
	}
	w.why, w.doubted = q.Text, q.Doubted
	if q.Useless {
		w.p.fail(&UselessError{w.name() + ": " + q.Text, q.Doubted})
	}
	return nil
}

// starved: the filter of w has read all that w has, and does not answer. It gets
// more; see endFilters.
func (s *scheduler) starved(w *worker) {
	w.starves = true
	s.least = max(s.least, min(max(starvedLeast, 4*w.outstanding), s.p.cfg.Ahead))
	if !s.hoards {
		s.hoards = true
		s.p.notice("the filter reads records and does not answer: it seems to hold back its output", s.p.cfg.Unbuffer)
	}
}

// endFilters ends the input of filters that hold back their replies until then:
// when there is no more, and when one can get no more. For a gate that is closed
// it waits.
func (s *scheduler) endFilters() {
	if !s.hoards {
		return
	}
	over := s.queue.len() == 0 && !s.reading()
	full := s.queue.len() > 0 && !s.p.cfg.gated() || s.queue.len() == 0 && s.windowFull()
	for _, w := range s.workers {
		switch {
		case w.outstanding == 0:
		case over:
			s.retire(w, "end of input")
		case full && w.starves:
			s.retire(w, "it holds back its replies")
		}
	}
}

// windowFull reports whether no source is read until there are results.
func (s *scheduler) windowFull() bool {
	for _, st := range s.streams {
		if st.open && !st.standing && !st.blocked() {
			return false
		}
	}
	return true
}

// filterDied counts the filters that die without a reply.
func (s *scheduler) filterDied(e died) {
	if s.p.cfg.Function != "filter" || e.w.replied || e.w.fault == "" || s.stopped {
		return
	}
	if s.deaths++; s.deaths < filterTries {
		return
	}
	msg := fmt.Sprintf("the filter died %d times in a row without a reply: the last, of %s, %v", filterTries, e.w.name(), e.how)
	if text := strings.TrimRight(e.w.says.text(), "\n"); text != "" {
		msg += ":\n" + text
	}
	s.p.fail(errors.New(msg))
}

// judge says which replies of filters can be trusted, after their results: those of a
// worker that has left because it was told to, and has answered all that it was given.
// One that has answered too much or too little puts those of all workers in doubt, up to
// the last that has been started, but for those that are trusted by then.
func (s *scheduler) judge(e died) {
	verdict := s.p.cfg.Verdict
	switch {
	case verdict == nil:
	case e.doubted:
		verdict(s.started, false)
	case e.how == nil && e.why == "":
		verdict(e.w.number, true)
	}
}

func count(items []item) (n int) {
	for i := range items {
		n += items[i].N()
	}
	return n
}

func tasksOf(results []result) (n int) {
	for i := range results {
		n += results[i].r.N()
	}
	return n
}
