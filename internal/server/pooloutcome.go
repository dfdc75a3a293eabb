package server

import (
	"strconv"
	"time"

	"mpx/internal/task"
)

// An Outcome is how a task ended, without its output. Times are in nanoseconds, since
// 1970 or for so long.
type Outcome struct {
	Status   string // task.Status
	Exit     int
	Signal   int
	Attempts int
	Worker   int
	Slot     int
	Start    int64
	Elapsed  int64
	User     int64
	System   int64
	MaxRSS   int64 // bytes
	Known    bool  // the three before this are
	Note     string
	Hint     string
}

func outcomeOf(r *task.Result) *Outcome {
	o := &Outcome{
		Status: r.Status.String(), Exit: r.Exit, Signal: r.Signal, Attempts: int(r.Attempt), Worker: r.Worker, Slot: r.Slot,
		Elapsed: int64(r.Elapsed), User: int64(r.Usage.User), System: int64(r.Usage.System), MaxRSS: r.Usage.MaxRSS,
		Known: r.Usage.Known, Note: r.Note, Hint: r.Hint,
	}
	if !r.Start.IsZero() {
		o.Start = r.Start.UnixNano()
	}
	return o
}

// Result returns o as the result of t. What is no status that this mpx knows counts as
// lost.
func (o *Outcome) Result(t task.Task) task.Result {
	t.Attempt = uint32(o.Attempts)
	r := task.Result{
		Task: t, Status: task.Lost, Exit: o.Exit, Signal: o.Signal, Worker: o.Worker, Slot: o.Slot,
		Elapsed: time.Duration(o.Elapsed), Note: o.Note, Hint: o.Hint,
		Usage: task.Usage{User: time.Duration(o.User), System: time.Duration(o.System), MaxRSS: o.MaxRSS, Known: o.Known},
	}
	for s := task.OK; s <= task.Cancelled; s++ {
		if s.String() == o.Status {
			r.Status = s
		}
	}
	if o.Start != 0 {
		r.Start = time.Unix(0, o.Start)
	}
	return r
}

// append appends o as it stands in an answer: words, and then what is text.
func (o *Outcome) append(b []byte) []byte {
	known := int64(0)
	if o.Known {
		known = 1
	}
	b = append(append(b, ' '), o.Status...)
	for _, n := range []int64{
		int64(o.Exit), int64(o.Signal), int64(o.Attempts), int64(o.Worker), int64(o.Slot), o.Start, o.Elapsed,
		o.User, o.System, o.MaxRSS, known, int64(len(o.Note)),
	} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	return append(append(append(b, '\n'), o.Note...), o.Hint...)
}

// parseOutcome is the other side of append.
func parseOutcome(words []string, text []byte) (*Outcome, error) {
	if len(words) == 0 {
		return nil, errHeader
	}
	n, err := numbers(words[1:], 12)
	if err != nil {
		return nil, err
	}
	o := &Outcome{
		Status: words[0], Exit: int(n[0]), Signal: int(n[1]), Attempts: int(n[2]), Worker: int(n[3]), Slot: int(n[4]),
		Start: n[5], Elapsed: n[6], User: n[7], System: n[8], MaxRSS: n[9], Known: n[10] != 0,
	}
	o.Note, o.Hint, err = cutText(text, n[11])
	return o, err
}
