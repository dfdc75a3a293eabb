package report

// slowTable appends the slowest attempts.
func (p *Page) slowTable(m *markup) {
	m.put(`<section id="slowest"><h2>Slowest</h2><div class="scroll"><table><thead><tr>` +
		`<th class="n">task</th><th class="n">run time</th><th>outcome</th>`)
	if p.figures.usage.Known {
		m.put(`<th class="n">CPU</th><th class="n">memory</th>`)
	}
	m.put(`<th class="n">slot</th><th>command</th></tr></thead><tbody>` + "\n")
	for i := range p.slowest {
		r := &p.slowest[i]
		m.put(`<tr><td class="n">%d</td><td class="n">%s</td><td>`, r.seq, spanText(r.elapsed))
		r.howCell(m)
		if r.attempt > 1 || r.outcome == ranAgain {
			m.put(` (attempt %d)`, r.attempt)
		}
		m.put(`</td>`)
		switch {
		case r.usage.Known:
			m.put(`<td class="n">%s</td><td class="n">%s</td>`, spanText(r.usage.User+r.usage.System), bytesText(r.usage.MaxRSS))
		case p.figures.usage.Known:
			m.put(`<td class="n">–</td><td class="n">–</td>`)
		}
		m.put(`<td class="n">%d</td><td class="cmd">`, r.slot)
		m.text(r.command)
		m.put("</td></tr>\n")
	}
	m.put("</tbody></table></div></section>\n")
}

// howCell appends how r ended, with its colour.
func (r *pageRow) howCell(m *markup) {
	m.put(`<i class="key %s"></i>%s`, outcomeClass[r.outcome], r.how)
}

// failedTable appends the failed tasks, of which there were n.
func (p *Page) failedTable(m *markup, n int) {
	m.put(`<section id="failed"><h2>Failed</h2><div class="scroll"><table class="failed"><thead><tr>` +
		`<th class="n">task</th><th>how</th><th class="n">attempts</th><th class="n">run time</th><th>command</th></tr></thead>` + "\n")
	for i := range p.failed {
		r := &p.failed[i]
		m.put(`<tbody><tr><td class="n">%d</td><td>`, r.seq)
		r.howCell(m)
		m.put(`</td><td class="n">%d</td><td class="n">%s</td><td class="cmd">`, r.attempt, spanText(r.elapsed))
		m.text(r.command)
		m.put("</td></tr>")
		r.saidRow(m)
		m.put("</tbody>\n")
	}
	m.put("</table></div>")
	if more := n - len(p.failed); more > 0 {
		m.put("<p>%s more failed; the first %d are shown.</p>", commas(more), len(p.failed))
	}
	m.put("</section>\n")
}

// saidRow appends what mpx and r's stderr said.
func (r *pageRow) saidRow(m *markup) {
	if r.note == "" && r.before == 0 && r.said == "" {
		return
	}
	m.put(`<tr class="said"><td colspan="5">`)
	if r.note != "" {
		m.put("<p>mpx: ")
		m.text(r.note)
		m.put("</p>")
	}
	switch {
	case r.full:
		m.put(`<p class="dim">its stderr is left out: the page is long</p>`)
	case r.before > 0:
		m.put(`<p class="dim">… after %s bytes of stderr</p>`, commas(int(r.before)))
	}
	if r.said != "" {
		// Not by put: it is escaped, and too long to be looked through again.
		m.b = append(m.b, `<div class="tail"><pre>`...)
		m.b = append(append(m.b, r.said...), `</pre></div>`...)
	}
	m.put(`</td></tr>`)
}
