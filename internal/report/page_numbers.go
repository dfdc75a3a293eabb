package report

import "mpx/internal/task"

// numbers appends the figures.
func (p *Page) numbers(m *markup, sum *Summary) {
	m.put("<dl>\n")
	number(m, "tasks", commas(sum.Total), "")
	number(m, "ok", commas(sum.OK), dimZero(sum.OK))
	for _, c := range []struct {
		name string
		n    int
	}{
		{"failed", sum.By[task.Failed] + sum.By[task.Signalled]},
		{"lost", sum.By[task.Lost]},
		{"timed out", sum.By[task.TimedOut]},
		{"skipped", sum.By[task.Skipped]},
		{"cancelled", sum.By[task.Cancelled]},
		{"retried attempts", p.figures.retried},
	} {
		number(m, c.name, commas(c.n), dimZero(c.n))
	}
	if p.figures.attempts > 0 {
		p.timeNumbers(m, sum)
	}
	m.put("</dl>\n")
}

// timeNumbers appends the figures about attempts that ran.
func (p *Page) timeNumbers(m *markup, sum *Summary) {
	f, wall, used := &p.figures, p.timeline.wall(), p.timeline.used()
	number(m, "wall time", spanText(wall), "")
	number(m, "summed task time", spanText(f.busy), "")
	if wall > 0 {
		busy := min(1, f.busy.Seconds()/(wall.Seconds()*float64(used)))
		number(m, "slots busy", digits(100*busy)+" %", "")
		number(m, "tasks a second", digits(float64(sum.Total-sum.By[task.Skipped]-sum.By[task.Cancelled])/wall.Seconds()), "")
	}
	if p.times.N() > 0 {
		number(m, "median run time", spanText(seconds(p.times.Quantile(.5))), "")
		number(m, "p95 run time", spanText(seconds(p.times.Quantile(.95))), "")
		number(m, "longest run time", spanText(seconds(p.times.Max())), "")
	}
	if f.usage.Known {
		number(m, "user CPU", spanText(f.usage.User), "")
		number(m, "system CPU", spanText(f.usage.System), "")
		number(m, "peak memory", bytesText(f.usage.MaxRSS), "")
	}
}

func dimZero(n int) string {
	if n == 0 {
		return "dim"
	}
	return ""
}

func number(m *markup, name, value, class string) {
	m.put(`<div class="%s"><dt>%s</dt><dd>%s</dd></div>`+"\n", class, name, value)
}
