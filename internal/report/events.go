package report

import (
	"os"
	"strconv"
	"strings"
	"time"

	"mpx/internal/task"
)

// EventsVersion is the version of the lines of --events: docs/EVENTS.md. New
// members and new events do not change it.
const EventsVersion = 1

// Events tells what happens in a run, as it happens: a JSON object a line.
type Events struct {
	*sink
	o     EventsOptions
	start time.Time
}

// EventsOptions say what the first line tells.
type EventsOptions struct {
	Words []string // the command
	Jobs  int
	// Command returns a task's command, word for word.
	Command func(t *task.Task, slot int) []string
}

// NewEvents begins to write to f, which it closes.
func NewEvents(f *os.File, o EventsOptions) *Events {
	e := &Events{newSink("events", f), o, time.Now()}
	e.add(func(b []byte) []byte {
		b = appendEvent(b, "run_start", e.start)
		b = appendNumber(b, "version", EventsVersion)
		b = appendNumber(b, "pid", int64(os.Getpid()))
		b = appendNumber(b, "jobs", int64(o.Jobs))
		b = appendTexts(append(b, `,"command`...), o.Words)
		return append(b, "}\n"...)
	})
	return e
}

// Watch writes an event.
func (e *Events) Watch(ev task.Event) {
	e.add(func(b []byte) []byte {
		b = appendEvent(b, ev.Kind.String(), ev.Time)
		if ev.Result != nil {
			b = e.appendTask(b, &ev)
		}
		if ev.Worker > 0 {
			b = append(b, `,"worker":"mpx-worker-`...)
			b = append(strconv.AppendInt(b, int64(ev.Worker), 10), '"')
			b = appendNumber(b, "slot", int64(ev.Slot))
		}
		if ev.PID > 0 {
			b = appendNumber(b, "worker_pid", int64(ev.PID))
		}
		if ev.Kind == task.WorkerReady {
			b = appendSeconds(append(b, `,"seconds":`...), ev.Elapsed)
		}
		if ev.Reason != "" {
			b = append(b, `,"reason":"`...)
			b = append(appendEscaped(b, strings.ToValidUTF8(ev.Reason, "\uFFFD")), '"')
		}
		return append(b, "}\n"...)
	})
}

// appendTask appends what ev says of its task.
func (e *Events) appendTask(b []byte, ev *task.Event) []byte {
	r := ev.Result
	b = appendNumber(b, "seq", int64(r.Seq))
	b = appendNumber(b, "attempt", int64(r.Attempt))
	switch ev.Kind {
	case task.TaskStart:
		b = appendRecords(append(b, ','), &r.Task)
		return appendTexts(append(b, `,"command`...), e.o.Command(&r.Task, r.Slot))
	case task.TaskRetry:
		b = appendSeconds(append(b, `,"delay":`...), ev.Delay)
	}
	b = append(b, `,"status":"`...)
	b = append(append(b, r.Status.String()...), '"')
	b = appendNumber(b, "exit", int64(r.Exit))
	b = appendNumber(b, "signal", int64(r.Signal))
	b = appendSeconds(append(b, `,"seconds":`...), r.Elapsed)
	b = appendUsage(b, &r.Usage)
	b = appendNumber(b, "stdout_bytes", r.Stdout.Size())
	return appendNumber(b, "stderr_bytes", r.Stderr.Size())
}

// Close writes the last line.
func (e *Events) Close(sum *Summary) error {
	e.add(func(b []byte) []byte {
		b = appendEvent(b, "run_end", time.Now())
		b = appendSeconds(append(b, `,"seconds":`...), time.Since(e.start))
		b = appendNumber(b, "tasks", int64(sum.Total))
		for st, n := range sum.By {
			b = appendNumber(b, task.Status(st).String(), int64(n))
		}
		if sum.Doubted > 0 {
			b = appendNumber(b, "doubted", int64(sum.Doubted))
		}
		if sum.Broken != "" {
			b = append(b, `,"error":"`...)
			b = append(appendEscaped(b, strings.ToValidUTF8(sum.Broken, "\uFFFD")), '"')
		}
		return append(b, "}\n"...)
	})
	return e.close()
}

func appendEvent(b []byte, name string, at time.Time) []byte {
	b = append(append(b, `{"event":"`...), name...)
	return appendTime(append(b, `","time":`...), at)
}

// appendTime appends at as --json writes times.
func appendTime(b []byte, at time.Time) []byte {
	return at.UTC().AppendFormat(b, `"2006-01-02T15:04:05.000000Z07:00"`)
}

func appendNumber(b []byte, name string, n int64) []byte {
	b = append(append(b, `,"`...), name...)
	return strconv.AppendInt(append(b, `":`...), n, 10)
}
