package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"mpx/internal/report"
	"mpx/internal/stats"
)

// A benchSum is what came of a contest.
type benchSum struct {
	c       *contest
	cpus    int // that this process may use
	runs    int // of each way
	warmUp  int // rounds before that were not counted
	results []*benchResult
}

// A benchResult is what came of a way.
type benchResult struct {
	*way
	stats.Summary             // of the runs' times, in seconds
	gain          *stats.Gain // nil: one after another
	warnings      []warning
}

// sum sums up the runs of c's ways.
func (c *contest) sum(cpus, warmUp int) *benchSum {
	s := &benchSum{c: c, cpus: cpus, runs: len(c.ways[0].runs), warmUp: warmUp}
	for _, w := range c.ways {
		r := &benchResult{way: w, Summary: stats.Summarize(w.seconds())}
		if w.base != nil {
			g := stats.Compare(w.base.seconds(), w.seconds(), c.tasks, w.workers)
			r.gain = &g
		}
		r.warnings = s.doubts(r)
		s.results = append(s.results, r)
	}
	return s
}

// failed reports whether a task has failed in a run that counts.
func (s *benchSum) failed() bool {
	for _, r := range s.results {
		if r.failedTasks() > 0 {
			return true
		}
	}
	return false
}

func (w *way) failedTasks() (n int) {
	for i := range w.runs {
		n += w.runs[i].n
	}
	return n
}

// speedup returns what r makes of one after another: 1 for that itself.
func (r *benchResult) speedup() float64 {
	if r.gain == nil {
		return 1
	}
	return r.gain.Speedup.Value
}

// best returns, for each kind of worker, the pool that is the quickest, one of a
// single worker only where there is no other.
func (s *benchSum) best() (all []*benchResult) {
	for _, r := range s.results {
		n := len(all)
		switch {
		case r.gain == nil:
		case n == 0 || all[n-1].kind != r.kind:
			all = append(all, r)
		case r.betterThan(all[n-1]):
			all[n-1] = r
		}
	}
	return all
}

func (r *benchResult) betterThan(o *benchResult) bool {
	if (r.workers > 1) != (o.workers > 1) {
		return r.workers > 1
	}
	return r.Median < o.Median
}

// verdicts says in a sentence for each kind of worker from which length of tasks
// a pool pays.
func (s *benchSum) verdicts() (lines []string) {
	best := s.best()
	for _, r := range best {
		with := "A"
		if len(best) > 1 {
			with = "With --worker " + r.kind + ", a"
		}
		lines = append(lines, with+" "+r.verdict())
	}
	return lines
}

func (r *benchResult) verdict() string {
	g, yours := r.gain, report.Span(duration(r.gain.Task))
	loses := ""
	if g.Speedup.Value < 1 {
		loses = ", so it loses"
	}
	switch pool := "pool of " + strconv.Itoa(r.workers); {
	case math.IsInf(g.BreakEven, 1):
		return pool + " does one task at a time here, and pays for none; yours take " + yours + "."
	case g.BreakEven == 0:
		return pool + " costs less than could be seen, and pays for tasks of any length; yours take " + yours + "."
	default:
		return fmt.Sprintf("%s pays for tasks longer than about %s; yours take %s%s.", pool, about(g.BreakEven), yours, loses)
	}
}

// about returns seconds to two digits.
func about(seconds float64) string {
	two, _ := strconv.ParseFloat(strconv.FormatFloat(seconds, 'e', 1, 64), 64)
	return report.Span(duration(two))
}

func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

// heading says what was done, in one line and another.
func (s *benchSum) heading(width int) string {
	base := s.results[0]
	text := fmt.Sprintf("%s\n%s of %s; %s of each way in turn", report.OneLine(s.c.what, max(width-1, 20)),
		counted(s.c.tasks, "task"), report.Span(duration(base.Median/float64(s.c.tasks))), counted(s.runs, "run"))
	if s.warmUp > 0 {
		text += fmt.Sprintf(", after %d to warm up", s.warmUp)
	}
	return text + "\n"
}

// String returns the whole for people, as st has it.
func (s *benchSum) text(st tableStyle) string {
	var b strings.Builder
	b.WriteString(s.heading(st.width) + "\n" + s.table(st) + "\n")
	for _, v := range s.verdicts() {
		b.WriteString(v + "\n")
	}
	if s.c.note != "" {
		b.WriteString(s.c.note + "\n")
	}
	return st.spell(b.String())
}

// counted returns n of a thing.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
