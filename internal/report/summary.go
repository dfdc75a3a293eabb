package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mpx/internal/task"
)

// A Summary says what came of a run's tasks, as far as they were delivered.
type Summary struct {
	Total, OK int
	By        [task.Cancelled + 1]int // by task.Status
	Before    int                     // of those skipped: done by an earlier run
	Retried   int                     // tasks that had more than one attempt
	Doubted   int                     // of those lost: tasks that had gone well until Doubt
	First     *Failure                // the first failure in the order of the output
	Elapsed   time.Duration
	Broken    string // why mpx could not go on with the run; "": it could

	long  bool // the run deserves a line however it went
	name  string
	kinds map[kind]int
}

// Failed returns how many tasks failed, were ended by a signal, timed out or
// were lost.
func (s *Summary) Failed() int {
	return s.By[task.Failed] + s.By[task.Signalled] + s.By[task.TimedOut] + s.By[task.Lost]
}

// count adds res to the summary.
func (r *Report) count(res *task.Result) {
	s := &r.sum
	s.Total += res.N()
	s.By[res.Status] += res.N()
	if res.Attempt > 1 {
		s.Retried++
	}
	switch res.Status {
	case task.OK:
		s.OK += res.N()
		return
	case task.Skipped, task.Cancelled:
		if res.Before {
			s.Before++
		}
		return
	}
	k := kindOf(res)
	if s.First == nil {
		s.First = &Failure{Seq: res.Seq, How: k.String(), Command: r.display(res)}
	}
	s.failed(k, res.N())
}

// failed counts n failures of kind k.
func (s *Summary) failed(k kind, n int) {
	if s.kinds == nil {
		s.kinds = map[kind]int{}
	}
	s.kinds[k] += n
}

// String returns the lines of s, each ended by a newline.
func (s Summary) String() string {
	var b strings.Builder
	for _, line := range s.Lines() {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Lines returns the message at the end of a run, none when all went well:
//
//	mpx: 3 of 100 tasks failed (2 exit 1, 1 timeout), first: task 7 (exit 1): cmd a b
//	mpx: 1 of 100 tasks failed: task 7 (exit 1): cmd a b
//	mpx: 12 of 100 tasks were cancelled
//	mpx: 100 tasks in 12.3s, 8.13/s
func (s Summary) Lines() []string {
	var lines []string
	if s.long {
		lines = append(lines, s.brief())
	}
	if n := s.Failed(); n > 0 {
		lines = append(lines, fmt.Sprintf("%s: %s failed%s", s.name, s.of(n), s.failures(n)))
	}
	for _, l := range []struct {
		n    int
		what string
	}{
		{s.By[task.Skipped] - s.Before, "skipped (--halt)"},
		{s.By[task.Cancelled], "cancelled"},
		{s.Before, "done before (--resume)"},
	} {
		if l.n > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s %s %s", s.name, s.of(l.n), wasOrWere(l.n), l.what))
		}
	}
	return lines
}

// brief says how much was done in which time.
func (s *Summary) brief() string {
	ran := s.Total - s.By[task.Skipped] - s.By[task.Cancelled]
	what := s.of(ran)
	if ran == s.Total {
		_, what, _ = strings.Cut(what, " of ")
	}
	line := fmt.Sprintf("%s: %s in %s, %s/s", s.name, what, shortSpan(s.Elapsed), digits(float64(ran)/s.Elapsed.Seconds()))
	if s.Retried > 0 {
		line += fmt.Sprintf(", %s more than once", commas(s.Retried))
	}
	return line
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// Done reports whether every task went well, in this run or an earlier one.
func (s *Summary) Done() bool { return s.OK+s.Before == s.Total }

// of returns "3 of 100 tasks".
func (s *Summary) of(n int) string {
	tasks := "tasks"
	if s.Total == 1 {
		tasks = "task"
	}
	return fmt.Sprintf("%s of %s %s", commas(n), commas(s.Total), tasks)
}

// failures says how n tasks failed and which was the first.
func (s *Summary) failures(n int) string {
	var b strings.Builder
	if n == 1 {
		b.WriteString(": ")
	} else {
		fmt.Fprintf(&b, " (%s), first: ", s.breakdown())
	}
	fmt.Fprintf(&b, "task %d (%s)", s.First.Seq, s.First.How)
	if s.First.Command != "" {
		b.WriteString(": " + s.First.Command)
	}
	return b.String()
}

// breakdown counts the kinds of failures, the most frequent first.
func (s *Summary) breakdown() string {
	const most = 5
	kinds := slices.SortedFunc(maps.Keys(s.kinds), func(a, b kind) int {
		return cmp.Or(s.kinds[b]-s.kinds[a], int(a.status)-int(b.status), a.code-b.code)
	})
	var parts []string
	for i, k := range kinds {
		if i == most && len(kinds) > most+1 {
			rest := 0
			for _, k := range kinds[i:] {
				rest += s.kinds[k]
			}
			parts = append(parts, commas(rest)+" other")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s", commas(s.kinds[k]), k))
	}
	return strings.Join(parts, ", ")
}
