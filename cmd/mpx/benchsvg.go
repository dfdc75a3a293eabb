package main

import (
	"fmt"

	"mpx/internal/report"
)

// svg returns the speed-ups as a picture: a line for each kind of worker and
// chunksize.
func (s *benchSum) svg() ([]byte, error) {
	p := report.SpeedupPlot{Title: s.c.what, About: s.about()}
	for _, r := range s.results {
		if r.gain == nil {
			continue
		}
		u := r.gain.Speedup
		l := line(&p, r.kind+", chunksize "+r.params["chunksize"])
		l.Points = append(l.Points, report.SpeedupPoint{Workers: r.workers, Speedup: u.Value, Low: u.Low, High: u.High})
		for k := len(l.Points) - 1; k > 0 && l.Points[k].Workers < l.Points[k-1].Workers; k-- {
			l.Points[k], l.Points[k-1] = l.Points[k-1], l.Points[k]
		}
	}
	return p.SVG(), nil
}

// line returns the line of p of that name, a new one if there is none.
func line(p *report.SpeedupPlot, name string) *report.SpeedupLine {
	for i := range p.Lines {
		if p.Lines[i].Name == name {
			return &p.Lines[i]
		}
	}
	p.Lines = append(p.Lines, report.SpeedupLine{Name: name})
	return &p.Lines[len(p.Lines)-1]
}

// about says what the numbers are of.
func (s *benchSum) about() string {
	text := fmt.Sprintf("%s, medians of %s, %s", counted(s.c.tasks, "task"), counted(s.runs, "run"), counted(s.cpus, "processor"))
	if s.results[1].gain.Speedup.Known {
		text += "; bars: 95 % intervals"
	}
	return text
}
