package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// An eventLine is a line of --events, as far as the rules of docs/EVENTS.md
// speak of it.
type eventLine struct {
	Event, Time, Status, Worker string
	Version, Tasks              int
	Seq, Attempt                int
}

var eventTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

// An eventsCheck holds the lines of a run against what docs/EVENTS.md promises.
type eventsCheck struct {
	lines  int
	ended  bool              // run_end has come
	begun  map[int]int       // the attempt that each task has begun
	cut    map[int]int       // the attempt of each task's last task_retry
	status map[int]string    // of each task_end
	worker map[string]string // the last of each worker's events
	ready  map[string]bool   // workers that have become so
}

func newEventsCheck() *eventsCheck {
	return &eventsCheck{begun: map[int]int{}, cut: map[int]int{}, status: map[int]string{}, worker: map[string]string{}, ready: map[string]bool{}}
}

// all checks the text of a whole run.
func (c *eventsCheck) all(text string) error {
	for line := range strings.Lines(text) {
		if err := c.add(line); err != nil {
			return fmt.Errorf("line %d: %w: %s", c.lines, err, line)
		}
	}
	if !c.ended {
		return errors.New("the last line is not run_end")
	}
	return nil
}

func (c *eventsCheck) add(line string) error {
	c.lines++
	var l eventLine
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		return err
	}
	switch {
	case !eventTime.MatchString(l.Time):
		return errors.New("malformed time")
	case c.ended:
		return errors.New("after run_end")
	case (c.lines == 1) != (l.Event == "run_start"):
		return errors.New("run_start must be the first line and no other")
	case l.Event == "run_start" && l.Version != 1:
		return errors.New("another version")
	case l.Event == "run_end":
		return c.end(line)
	case strings.HasPrefix(l.Event, "task_"):
		return c.task(&l)
	case strings.HasPrefix(l.Event, "worker_"):
		return c.work(&l)
	}
	return nil
}

func (c *eventsCheck) task(l *eventLine) error {
	if _, ended := c.status[l.Seq]; ended {
		return errors.New("after the task's end")
	}
	if _, came := c.worker[l.Worker]; l.Worker != "" && !came {
		return errors.New("of a worker that has not come")
	}
	switch l.Event {
	case "task_start":
		if l.Attempt != c.begun[l.Seq]+1 || l.Attempt != c.cut[l.Seq]+1 {
			return errors.New("not the attempt that is next")
		}
		c.begun[l.Seq] = l.Attempt
		return nil
	case "task_end":
		c.status[l.Seq] = l.Status
	case "task_retry":
		c.cut[l.Seq] = l.Attempt
	}
	if l.Worker != "" && l.Attempt != c.begun[l.Seq] {
		return errors.New("of an attempt that does not run")
	}
	return nil
}

func (c *eventsCheck) work(l *eventLine) error {
	last, came := c.worker[l.Worker]
	if came == (l.Event == "worker_start") || last == "worker_die" {
		return errors.New("in the wrong order")
	}
	if l.Event == "worker_ready" { // it may come after worker_retire
		if c.ready[l.Worker] {
			return errors.New("ready twice")
		}
		c.ready[l.Worker] = true
		return nil
	}
	c.worker[l.Worker] = l.Event
	return nil
}

// end holds the numbers of run_end against the events.
func (c *eventsCheck) end(line string) error {
	c.ended = true
	numbers := map[string]any{}
	if err := json.Unmarshal([]byte(line), &numbers); err != nil {
		return err
	}
	by := map[string]int{"tasks": len(c.status)}
	for _, st := range c.status {
		by[st]++
	}
	for _, name := range []string{"tasks", "ok", "failed", "signalled", "timeout", "lost", "skipped", "cancelled"} {
		if n, ok := numbers[name].(float64); !ok || int(n) != by[name] {
			return fmt.Errorf("%s is %v, want %d", name, numbers[name], by[name])
		}
	}
	for worker, last := range c.worker {
		if last == "worker_start" {
			return fmt.Errorf("%s has never left", worker)
		}
	}
	return nil
}

// cmdEvents checks files of --events.
func cmdEvents(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: events FILE...")
	}
	for _, file := range args {
		if err := newEventsCheck().all(ts.ReadFile(file)); err != nil {
			ts.Fatalf("%s: %v", file, err)
		}
	}
}

// cmdJSON checks that a file is JSON.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	if text := ts.ReadFile(args[0]); !json.Valid([]byte(text)) {
		ts.Fatalf("%s is not JSON: %.200q", args[0], text)
	}
}
