package report

import (
	"os"
	"strconv"
	"strings"
	"time"

	"mpx/internal/task"
)

// A Trace tells a run as Chrome trace events, which Perfetto and chrome://tracing
// show: a lane a job slot, a bar an attempt, marks where workers come and go. It
// is a JSON array, whose end a killed run may lack: readers know that.
type Trace struct {
	*sink
	start   time.Time
	lanes   map[int]bool // slots that have a name
	display func(t *task.Task, slot int) string
}

// NewTrace begins to write to f, which it closes. display returns a task's
// command for people.
func NewTrace(f *os.File, title string, display func(t *task.Task, slot int) string) *Trace {
	t := &Trace{newSink("trace", f), time.Now(), map[int]bool{}, display}
	t.add(func(b []byte) []byte {
		b = append(b, `[{"name":"process_name","ph":"M","pid":1,"args":{"name":"`...)
		b = appendEscaped(b, strings.ToValidUTF8(title, "\uFFFD"))
		return append(b, `"}}`...)
	})
	return t
}

// Watch writes an event.
func (t *Trace) Watch(e task.Event) {
	if e.Slot == 0 { // of no lane: a task that has not run
		return
	}
	switch e.Kind {
	case task.TaskRetry, task.TaskEnd:
		if !e.Result.Start.IsZero() {
			t.add(func(b []byte) []byte { return t.appendAttempt(t.appendLane(b, e.Slot), &e) })
		}
	case task.WorkerStart, task.WorkerReady, task.WorkerRetire, task.WorkerDie:
		t.add(func(b []byte) []byte { return t.appendMark(t.appendLane(b, e.Slot), &e) })
	}
}

// appendLane names the lane of slot when it is first used.
func (t *Trace) appendLane(b []byte, slot int) []byte {
	if t.lanes[slot] {
		return b
	}
	t.lanes[slot] = true
	n := strconv.Itoa(slot)
	b = append(b, ",\n"+`{"name":"thread_name","ph":"M","pid":1,"tid":`+n+`,"args":{"name":"slot `+n+`"}}`...)
	return append(b, ",\n"+`{"name":"thread_sort_index","ph":"M","pid":1,"tid":`+n+`,"args":{"sort_index":`+n+`}}`...)
}

// colours are those that trace viewers know by name.
var colours = map[task.Status]string{task.OK: "good", task.Skipped: "grey", task.Cancelled: "grey"}

func (t *Trace) appendAttempt(b []byte, e *task.Event) []byte {
	r := e.Result
	colour := colours[r.Status]
	if colour == "" {
		colour = "terrible"
	}
	if e.Kind == task.TaskRetry {
		colour = "bad"
	}
	b = append(b, ",\n"+`{"ph":"X","pid":1,"tid":`...)
	b = strconv.AppendInt(b, int64(e.Slot), 10)
	b = t.appendMicros(b, "ts", r.Start.Sub(t.start))
	b = t.appendMicros(b, "dur", r.Elapsed)
	b = append(b, `,"name":"`...)
	b = appendEscaped(b, shorten(visible(t.display(&r.Task, e.Slot)), maxDisplay))
	b = append(b, `","cat":"`+r.Status.String()+`","cname":"`+colour+`","args":{"status":"`+r.Status.String()+`"`...)
	b = appendNumber(b, "seq", int64(r.Seq))
	b = appendNumber(b, "attempt", int64(r.Attempt))
	b = appendNumber(b, "worker", int64(r.Worker))
	b = appendNumber(b, "exit", int64(r.Exit))
	b = appendNumber(b, "signal", int64(r.Signal))
	return append(b, "}}"...)
}

// doings say what a worker does.
var doings = map[task.EventKind]string{
	task.WorkerStart: " starts", task.WorkerReady: " is ready", task.WorkerRetire: " retires", task.WorkerDie: " dies",
}

func (t *Trace) appendMark(b []byte, e *task.Event) []byte {
	b = append(b, ",\n"+`{"ph":"i","s":"t","pid":1,"tid":`...)
	b = strconv.AppendInt(b, int64(e.Slot), 10)
	b = t.appendMicros(b, "ts", e.Time.Sub(t.start))
	b = append(b, `,"name":"mpx-worker-`...)
	b = strconv.AppendInt(b, int64(e.Worker), 10)
	b = append(b, doings[e.Kind]...)
	b = append(b, `","args":{"pid":`...)
	b = strconv.AppendInt(b, int64(e.PID), 10)
	b = append(b, `,"reason":"`...)
	return append(appendEscaped(b, strings.ToValidUTF8(e.Reason, "\uFFFD")), `"}}`...)
}

// appendMicros appends d in microseconds, as trace events count.
func (t *Trace) appendMicros(b []byte, name string, d time.Duration) []byte {
	b = append(append(b, `,"`...), name...)
	return strconv.AppendFloat(append(b, `":`...), float64(d.Nanoseconds())/1e3, 'f', -1, 64)
}

// Close ends the array.
func (t *Trace) Close(*Summary) error {
	t.add(func(b []byte) []byte { return append(b, "]\n"...) })
	return t.close()
}
