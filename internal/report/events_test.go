package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mpx/internal/task"
)

// docs/EVENTS.md tells every event and every member that is written, and no
// other.
func TestEventsDocument(t *testing.T) {
	written, told := eventsWritten(t), eventsTold(t)
	for name, members := range written {
		for m := range members {
			if !told[name][m] {
				t.Errorf("%s: %q is not in docs/EVENTS.md", name, m)
			}
		}
	}
	for name, members := range told {
		for m := range members {
			if !written[name][m] {
				t.Errorf("%s: %q is in docs/EVENTS.md and is not written", name, m)
			}
		}
	}
}

// eventsTold returns the members of each event by the document: a section a
// name, with a row for each member.
func eventsTold(t *testing.T) map[string]map[string]bool {
	t.Helper()
	b, err := os.ReadFile("../../docs/EVENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]map[string]bool{}
	for _, section := range regexp.MustCompile("(?m)^## ").Split(string(b), -1)[1:] {
		name := regexp.MustCompile("^`([a-z_]+)`\n").FindStringSubmatch(section)
		if name == nil {
			continue
		}
		told[name[1]] = map[string]bool{}
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` (†)?").FindAllStringSubmatch(section, -1) {
			told[name[1]][row[1]] = true
			if row[2] != "" {
				told[name[1]][row[1]+"_base64"] = true
			}
		}
	}
	return told
}

// eventsWritten returns the members of each event of a run that has all.
func eventsWritten(t *testing.T) map[string]map[string]bool {
	t.Helper()
	written := map[string]map[string]bool{}
	for _, line := range writtenEvents(t, func(e *Events) {
		for kind := range task.Halted + 1 {
			for _, ev := range everyEvent(kind) {
				e.Watch(ev)
			}
		}
	}) {
		name := line["event"].(string)
		if written[name] == nil {
			written[name] = map[string]bool{}
		}
		for m := range line {
			written[name][m] = true
		}
	}
	return written
}

// everyEvent are events of kind with all that the pool gives, of tasks of every
// sort.
func everyEvent(kind task.EventKind) (all []task.Event) {
	e := task.Event{Kind: kind, Time: time.Now(), Worker: 3, Slot: 2}
	if kind >= task.WorkerStart || kind == task.TaskLost {
		e.PID, e.Reason = 4711, "a reason"
	}
	switch kind {
	case task.Halted:
		return []task.Event{{Kind: kind, Time: e.Time, Reason: "3 of 5 tasks failed"}}
	case task.WorkerStart, task.WorkerReady:
		e.Reason = ""
	case task.TaskStart, task.TaskLost, task.TaskRetry, task.TaskEnd:
		for _, words := range [][]string{{"a"}, {"\xff"}, {"a", "b"}, {"a", "\xff"}} {
			var values [][]byte
			for _, w := range words {
				values = append(values, []byte(w))
			}
			r := &task.Result{Task: task.Task{Seq: 1, Attempt: 1, Values: task.List(values...)}}
			e.Result = r
			all = append(all, e)
		}
		return all
	}
	return []task.Event{e}
}

// writtenEvents returns the lines of a run in which f happens: once of a command
// that is UTF-8, and once of another.
func writtenEvents(t *testing.T, f func(*Events)) (lines []map[string]any) {
	t.Helper()
	for _, word := range []string{"echo", "\xff"} {
		path := filepath.Join(t.TempDir(), "events")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEvents(file, EventsOptions{
			Words: []string{word}, Jobs: 2,
			Command: func(t *task.Task, _ int) []string { return []string{word, string(t.Values.At(0))} },
		})
		f(e)
		if err := e.Close(&Summary{Doubted: 1, Broken: "broken"}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			lines = append(lines, m)
		}
	}
	return lines
}

// The example in the document is lines as they are written: the same members in
// the same order.
func TestEventsExample(t *testing.T) {
	b, err := os.ReadFile("../../docs/EVENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, `{"event":`) {
			continue
		}
		n++
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		told := eventsTold(t)[m["event"].(string)]
		for member := range m {
			if !told[member] {
				t.Errorf("%s: the example has %q, the table not", m["event"], member)
			}
		}
	}
	if n < 8 {
		t.Errorf("%d lines of example", n)
	}
}

// A reader that goes away is no error; a file that is full is one, and names
// what could not be written.
func TestEventsClose(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := NewEvents(w, EventsOptions{}).Close(&Summary{}); err != nil {
		t.Errorf("reader gone: %v", err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	err = NewEvents(full, EventsOptions{}).Close(&Summary{})
	if err == nil || !strings.HasPrefix(err.Error(), "write events: ") {
		t.Errorf("full: %v", err)
	}
}

// Every word that a summary counts by is a member of the last line.
func TestEventsStatuses(t *testing.T) {
	lines := writtenEvents(t, func(*Events) {})
	last := lines[len(lines)-1]
	want := []string{"ok", "failed", "signalled", "timeout", "lost", "skipped", "cancelled"}
	for _, st := range want {
		if _, ok := last[st]; !ok {
			t.Errorf("no %q in %v", st, last)
		}
	}
	if n := len(last) - len([]string{"event", "time", "seconds", "tasks", "doubted", "error"}); n != len(want) {
		t.Errorf("%d statuses, want %d", n, len(want))
	}
}
