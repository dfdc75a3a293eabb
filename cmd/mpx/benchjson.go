package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// A resultJSON is a way's result in the file of --json. The keys up to
// parameters are those of hyperfine's --export-json, so that its scripts read it,
// too. Times are in seconds. What is not known is null.
type resultJSON struct {
	Command    string            `json:"command"`
	Mean       float64           `json:"mean"`
	StdDev     *float64          `json:"stddev"`
	Median     float64           `json:"median"`
	User       *float64          `json:"user"`   // of a run, all its processes together
	System     *float64          `json:"system"` // likewise
	Min        float64           `json:"min"`
	Max        float64           `json:"max"`
	Times      []float64         `json:"times"`
	ExitCodes  []int             `json:"exit_codes"` // 1 where a task failed, as mpx map has it
	Parameters map[string]string `json:"parameters"`

	Workers         *int        `json:"workers"` // null: one after another, and so are the following
	Speedup         *float64    `json:"speedup"`
	SpeedupInterval *[2]float64 `json:"speedup_interval"` // null: too few runs
	Efficiency      *float64    `json:"efficiency"`
	OverheadSeconds *float64    `json:"overhead_seconds"`
	BreakEven       *float64    `json:"break_even_seconds"` // null: there is none
	FailedTasks     int         `json:"failed_tasks"`       // of all runs
	Warnings        []warning   `json:"warnings"`
}

// json returns what --json writes: a result a line.
func (s *benchSum) json() ([]byte, error) {
	b := []byte(`{"results":[`)
	for i := range s.results {
		r, err := json.Marshal(s.results[i].json())
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '\n'), r...)
	}
	return fmt.Appendf(b, "\n],\"tasks\":%d,\"processors\":%d}\n", s.c.tasks, s.cpus), nil
}

func (r *benchResult) json() resultJSON {
	j := resultJSON{
		Command: strings.ToValidUTF8(r.line, "\uFFFD"), Mean: r.Mean, Median: r.Median, Min: r.Min, Max: r.Max,
		Times: r.seconds(), ExitCodes: make([]int, len(r.runs)), Parameters: r.params,
		FailedTasks: r.failedTasks(), Warnings: r.warnings,
	}
	if r.N > 1 {
		j.StdDev = &r.StdDev
	}
	user, system := 0.0, 0.0
	for i, run := range r.runs {
		user += run.user / float64(r.N)
		system += run.system / float64(r.N)
		j.ExitCodes[i] = min(run.n, 1)
	}
	if !r.stays {
		j.User, j.System = &user, &system
	}
	if j.Parameters == nil {
		j.Parameters = map[string]string{}
	}
	if j.Warnings == nil {
		j.Warnings = []warning{}
	}
	r.addGain(&j)
	return j
}

func (r *benchResult) addGain(j *resultJSON) {
	g := r.gain
	if g == nil {
		return
	}
	j.Workers, j.Speedup, j.Efficiency, j.OverheadSeconds = &r.workers, &g.Speedup.Value, &g.Efficiency, &g.Overhead
	if g.Speedup.Known {
		j.SpeedupInterval = &[2]float64{g.Speedup.Low, g.Speedup.High}
	}
	if !math.IsInf(g.BreakEven, 1) {
		j.BreakEven = &g.BreakEven
	}
}
