package report

import (
	_ "embed"

	"mpx/internal/task"
)

//go:embed page.css
var pageStyle string

// html returns the whole page.
func (p *Page) html(sum *Summary) []byte {
	m := &markup{}
	p.head(m, sum)
	p.numbers(m, sum)
	if p.figures.attempts > 0 {
		p.timelineSection(m)
		if p.times.N() > 0 {
			p.histogram(m)
			p.slowTable(m)
		}
	}
	if len(p.failed) > 0 {
		p.failedTable(m, sum.Failed())
	}
	m.put("<footer>mpx ")
	m.text(visible(p.o.Version))
	m.put("</footer>\n</body>\n</html>\n")
	return m.b
}

// head appends what stands above the figures.
func (p *Page) head(m *markup, sum *Summary) {
	const maxTitle = 2000
	title := visible(p.o.Title)
	m.put(`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>`)
	m.text(shorten(title, maxDisplay))
	m.put("</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1><code>", pageStyle)
	m.text(shorten(title, maxTitle))
	m.put("</code></h1>\n<p>%s", verdict(sum))
	if len(p.failed) > 0 {
		m.put(` <a href="#failed">See below.</a>`)
	}
	if t := &p.timeline; p.figures.attempts > 0 {
		m.put(` <span class="dim">The first task started on %s.</span>`, t.base.Add(t.from).Format("2 January 2006 at 15:04:05 MST"))
	}
	m.put("</p>\n")
	if sum.Broken != "" {
		m.put("<p>mpx could not go on with it: ")
		m.text(shorten(visible(sum.Broken), maxTitle))
		m.put("</p>\n")
	}
}

// verdict says in a sentence or two what came of the run.
func verdict(sum *Summary) string {
	failed, cancelled := sum.Failed(), sum.By[task.Cancelled]
	text := "No task failed."
	switch {
	case failed > 0:
		text = sum.of(failed) + " failed (" + sum.breakdown() + ")."
	case sum.OK == 0:
		text = "No task came to its end."
	}
	if cancelled > 0 {
		text += " Cancelled: " + sum.of(cancelled) + "."
	}
	return text
}
