package main

import (
	"fmt"
	"io"
	"slices"

	"mpx/internal/stats"
)

// A warning is a doubt about a result: what was seen, why it matters, and what
// to try. It is part of the result wherever that is shown.
type warning struct {
	Kind string `json:"kind"`
	Seen string `json:"seen"`
	Why  string `json:"why"`
	Try  string `json:"try"`
}

// noisy is the spread, as a share of the median, from which run times are called
// noisy.
const noisy = .05

// doubts returns r's warnings.
func (s *benchSum) doubts(r *benchResult) (all []warning) {
	for _, look := range []func(*benchSum, *benchResult) (warning, bool){
		(*benchSum).doubtTasks, (*benchSum).doubtCount, (*benchSum).doubtSpread, (*benchSum).doubtOutliers,
		(*benchSum).doubtProcessors, (*benchSum).doubtWorkers, (*benchSum).doubtGain,
	} {
		if w, seen := look(s, r); seen {
			all = append(all, w)
		}
	}
	return all
}

func (s *benchSum) doubtTasks(r *benchResult) (warning, bool) {
	n, note := r.failedTasks(), ""
	for i := range r.runs {
		if note == "" && r.runs[i].note != "" {
			note = " (" + r.runs[i].note + ")"
		}
	}
	return warning{
		"failed", fmt.Sprintf("%s failed in its %s%s", counted(n, "task"), counted(s.runs, "run"), note),
		"a task that fails may have done less than its work, so that the times mean little",
		"see what it says: mpx map COMMAND; for a status that is no failure: --ok-status",
	}, n > 0
}

func (s *benchSum) doubtCount(r *benchResult) (warning, bool) {
	return warning{
		"few-runs", counted(s.runs, "run"),
		fmt.Sprintf("fewer than %d say nothing of how far the speed-up is to be trusted", stats.LeastRuns),
		fmt.Sprint("--runs ", max(10, stats.LeastRuns)),
	}, r.gain != nil && s.runs < stats.LeastRuns
}

func (s *benchSum) doubtSpread(r *benchResult) (warning, bool) {
	share := r.Spread / r.Median
	return warning{
		"noise", fmt.Sprintf("half of the runs are more than %.0f %% off their median", 100*share),
		"the machine does something else, too, or the tasks take what time they like",
		fmt.Sprintf("a quiet machine, more tasks, or --runs %d", 2*max(s.runs, stats.LeastRuns)),
	}, share > noisy
}

func (s *benchSum) doubtOutliers(r *benchResult) (warning, bool) {
	at := stats.Outliers(r.seconds())
	w := warning{
		"outliers", counted(len(at), "run") + " took nothing like the others",
		"something else had the machine then; the medians bear it, but other times may be off, too",
		"a quiet machine, or more --runs",
	}
	if s.warmUp == 0 && slices.Contains(at, 0) {
		w.Seen, w.Why, w.Try = "the first run took nothing like the others", "caches were cold, and the others found them warm", "--warmup 1"
	}
	return w, len(at) > 0
}

func (s *benchSum) doubtProcessors(r *benchResult) (warning, bool) {
	return warning{
		"processors", fmt.Sprintf("%d workers share %s", r.workers, counted(s.cpus, "processor")),
		"only tasks that wait, for a disk or a network, gain by more workers than processors",
		fmt.Sprintf("-j %d, unless yours wait", s.cpus),
	}, r.workers > s.cpus
}

func (s *benchSum) doubtWorkers(r *benchResult) (warning, bool) {
	return warning{
		"tasks", fmt.Sprintf("%d workers for %s", r.workers, counted(s.c.tasks, "task")),
		"a worker without a task does nothing, and counts against the efficiency",
		"more tasks",
	}, r.workers > s.c.tasks
}

func (s *benchSum) doubtGain(r *benchResult) (warning, bool) {
	if r.gain == nil || !r.gain.Speedup.Unclear() {
		return warning{}, false
	}
	return warning{
		"unclear", fmt.Sprintf("a speed-up between %.2f and %.2f (~)", r.gain.Speedup.Low, r.gain.Speedup.High),
		"1 is between them: there may be neither gain nor loss",
		fmt.Sprintf("--runs %d, if the difference matters", 4*s.runs),
	}, true
}

// warn tells the warnings: of each kind the first whole, with the other ways
// that have it.
func (s *benchSum) warn(w io.Writer) {
	told := map[string]bool{}
	for i := range s.results {
		for _, d := range s.results[i].warnings {
			if told[d.Kind] {
				continue
			}
			told[d.Kind] = true
			also := ""
			if n := s.with(d.Kind, i+1); n > 0 {
				also = fmt.Sprintf(", and %d more", n)
			}
			fmt.Fprintf(w, "mpx: %s%s: %s: %s\nmpx: hint: %s\n", s.results[i].name, also, d.Seen, d.Why, d.Try)
		}
	}
}

// with counts the results from i on that have a warning of that kind.
func (s *benchSum) with(kind string, i int) (n int) {
	for _, r := range s.results[i:] {
		if slices.ContainsFunc(r.warnings, func(w warning) bool { return w.Kind == kind }) {
			n++
		}
	}
	return n
}
