package main

import (
	"fmt"
	"strings"
)

// markdown returns a table in the style of hyperfine's --export-markdown, with
// medians in the place of means, and the speed-up in that of its inverse.
func (s *benchSum) markdown() ([]byte, error) {
	unit, scale := "s", 1.0
	switch m := s.results[0].Median; {
	case m < 1e-3:
		unit, scale = "µs", 1e6
	case m < 1:
		unit, scale = "ms", 1e3
	}
	b := fmt.Appendf(nil, "| Command | Median [%s] | Min [%[1]s] | Max [%[1]s] | Speed-up | Efficiency |\n|:---|---:|---:|---:|---:|---:|\n", unit)
	for _, r := range s.results {
		b = fmt.Appendf(b, "| %s | %s ± %s | %s | %s | %s |\n", code(r.line),
			figure(r.Median*scale), figure(r.Spread*scale), figure(r.Min*scale), figure(r.Max*scale), r.gained())
	}
	return b, nil
}

// figure returns v with about as many digits as mean something.
func figure(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// gained returns the last two cells.
func (r *benchResult) gained() string {
	if r.gain == nil {
		return "1.00 | "
	}
	u := &r.gain.Speedup
	return fmt.Sprintf("%.2f%s | %.0f %%", u.Value, interval(u), 100*r.gain.Efficiency)
}

// code returns text as code within a cell. The fence is longer than any run of
// backquotes in it; a bar would end the cell even there.
func code(text string) string {
	text = strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ").Replace(strings.ToValidUTF8(text, "\uFFFD"))
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		text = " " + text + " "
	}
	return fence + text + fence
}
