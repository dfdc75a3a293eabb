package report

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"mpx/internal/task"
)

// maxScratch is how much of the memory that one object took is kept for the
// next, in bytes.
const maxScratch = 1 << 20

// printObject prints res as one line.
func (r *Report) printObject(res *task.Result) error {
	b := r.appendHead(r.scratch[:0], res)
	b, err := r.appendOutput(b, res.Seq, `,"stdout`, &res.Stdout)
	b, e := r.appendOutput(b, res.Seq, `,"stderr`, &res.Stderr)
	_, _ = r.out.Write(appendTail(b, res))
	if r.scratch = b; cap(b) > maxScratch {
		r.scratch = nil
	}
	return cmp.Or(err, e)
}

// appendStatus appends the object without the outputs.
func (r *Report) appendStatus(b []byte, res *task.Result) []byte {
	return appendTail(r.appendHead(b, res), res)
}

// appendHead appends the members up to the outputs.
func (r *Report) appendHead(b []byte, res *task.Result) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, res.Seq, 10)
	b = append(b, ',')
	b = appendRecords(b, &res.Task)
	b = append(b, `,"command`...)
	if r.o.Command == nil {
		b = append(b, `":null`...)
	} else {
		b = appendTexts(b, r.o.Command(&res.Task, res.Slot))
	}
	b = append(b, `,"status":"`...)
	b = append(b, res.Status.String()...)
	b = append(b, `","exit":`...)
	b = strconv.AppendInt(b, int64(res.Exit), 10)
	b = append(b, `,"signal":`...)
	b = strconv.AppendInt(b, int64(res.Signal), 10)
	b = append(b, `,"attempts":`...)
	b = strconv.AppendUint(b, uint64(res.Attempt), 10)
	b = appendRun(b, res)
	return appendUsage(b, &res.Usage)
}

// appendRun appends where and when res ran: null for a task that did not.
func appendRun(b []byte, res *task.Result) []byte {
	b = append(b, `,"worker":`...)
	if res.Worker == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, `"mpx-worker-`...)
		b = strconv.AppendInt(b, int64(res.Worker), 10)
		b = append(b, '"')
	}
	b = append(b, `,"slot":`...)
	if res.Slot == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(res.Slot), 10)
	}
	b = append(b, `,"start":`...)
	if res.Start.IsZero() {
		b = append(b, "null"...)
	} else {
		b = appendTime(b, res.Start)
	}
	b = append(b, `,"seconds":`...)
	return appendSeconds(b, res.Elapsed)
}

func appendUsage(b []byte, u *task.Usage) []byte {
	if !u.Known {
		return append(b, `,"user":null,"system":null,"maxrss":null`...)
	}
	b = append(b, `,"user":`...)
	b = appendSeconds(b, u.User)
	b = append(b, `,"system":`...)
	b = appendSeconds(b, u.System)
	b = append(b, `,"maxrss":`...)
	return strconv.AppendInt(b, u.MaxRSS, 10)
}

// appendSeconds appends d to the microsecond, without trailing zeros.
func appendSeconds(b []byte, d time.Duration) []byte {
	us := d.Round(time.Microsecond).Microseconds()
	return strconv.AppendFloat(b, float64(us)/1e6, 'f', -1, 64)
}

func appendTail(b []byte, res *task.Result) []byte {
	if res.Note != "" {
		b = append(b, `,"note":"`...)
		b = appendEscaped(b, strings.ToValidUTF8(res.Note, "\uFFFD"))
		b = append(b, '"')
	}
	return append(b, "}\n"...)
}

// appendRecords appends the member record, or records when t has several.
func appendRecords(b []byte, t *task.Task) []byte {
	switch {
	case t.FromStdin:
		return appendBytes(append(b, `"record`...), t.Stdin)
	case t.Values.Len() == 0:
		return append(b, `"record":""`...)
	case t.Values.Len() == 1:
		return appendBytes(append(b, `"record`...), t.Values.At(0))
	}
	all := make([]string, t.Values.Len())
	for i := range all {
		all[i] = string(t.Values.At(i))
	}
	return appendTexts(append(b, `"records`...), all)
}
