package report

import "time"

// timelineSection appends the timeline with its legend.
func (p *Page) timelineSection(m *markup) {
	m.put(`<section id="timeline"><h2>Timeline</h2>` + "\n")
	var pic markup
	p.timeline.draw(&pic)
	p.legend(m)
	m.b = append(m.b, pic.b...)
	p.caption(m)
	m.put("</section>\n")
}

// legend appends the outcomes that the timeline holds.
func (p *Page) legend(m *markup) {
	var count [outcomes]int
	for _, s := range p.timeline.slots {
		for i := range s {
			for o, n := range s[i].count {
				count[o] += n
			}
		}
	}
	m.put(`<p class="legend">`)
	for o, n := range count {
		if n > 0 {
			m.put(`<span><i class="key %s"></i>%s: %s</span> `, outcomeClass[o], outcomeWord[o], commas(n))
		}
	}
	if n := p.timeline.workerChanges(); n > 0 && n <= maxChanges(p.timeline.used()) {
		m.put(`<span><i class="key tick"></i>another worker</span>`)
	}
	m.put("</p>\n")
}

// caption appends what the timeline does not show.
func (p *Page) caption(m *markup) {
	t := &p.timeline
	var notes []string
	if idle := p.o.Jobs - t.used(); idle == 1 {
		notes = append(notes, "One more job slot was not used.")
	} else if idle > 1 {
		notes = append(notes, commas(idle)+" more job slots were not used.")
	}
	if t.res > 0 {
		notes = append(notes, "Attempts of a slot that took less than "+spanText(t.res.Round(time.Microsecond))+" together are one bar; where some failed, part of it has their colour.")
	}
	if n := t.workerChanges(); n > maxChanges(t.used()) {
		notes = append(notes, "Slots went on with another worker about "+commas(n)+" times, which is not drawn.")
	}
	if len(notes) == 0 {
		return
	}
	m.put(`<p class="dim">`)
	for _, n := range notes {
		m.put("%s ", n)
	}
	m.put("</p>\n")
}
