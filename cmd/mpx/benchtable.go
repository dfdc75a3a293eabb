package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"mpx/internal/report"
	"mpx/internal/stats"
)

// A tableStyle is how a table is shown.
type tableStyle struct {
	width  int  // columns
	blocks bool // bars are made of Unicode's blocks
	ascii  bool // nothing but ASCII beside what the user has given
	colour bool
}

// styleFor returns what f, which takes the table, can show.
func styleFor(f *os.File) tableStyle {
	st := tableStyle{width: 80, ascii: !localeIsUTF8()}
	if isTerminal(f) {
		dumb := os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb"
		st.width, st.blocks = terminalWidth(f), !st.ascii
		st.colour = !dumb && os.Getenv("NO_COLOR") == ""
	}
	return st
}

// localeIsUTF8 reports whether the locale's characters are UTF-8's.
func localeIsUTF8() bool {
	name := strings.ToUpper(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.Contains(name, "UTF-8") || strings.Contains(name, "UTF8")
}

// spell returns text without the characters that a terminal may not have.
func (st tableStyle) spell(text string) string {
	if !st.ascii {
		return text
	}
	return strings.NewReplacer("±", "+-", "–", "-", "µ", "u").Replace(text)
}

// A tableRow is a line of the table. A cell begins with the space before it.
type tableRow [7]string

// atLeft are the columns whose cells stand at the left.
const atLeft = 1<<0 | 1<<2 | 1<<4

// table returns the results, a line each, with bars where there is room.
func (s *benchSum) table(st tableStyle) string {
	rows := []tableRow{{"", "  time", "", "", " speed-up", "  efficiency", "  overhead"}}
	for _, r := range s.results {
		rows = append(rows, r.row(st))
	}
	var widths [len(tableRow{})]int
	all := 0
	for i := range widths {
		for k := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(rows[k][i]))
		}
		all += widths[i]
	}
	shown := len(widths)
	for ; all > st.width && shown > 4; shown-- {
		all -= widths[shown-1] // the last ones can be reckoned from the others
	}
	bars := s.bars(min(30, st.width-all-2), st)
	var b strings.Builder
	for k := range rows {
		line := ""
		for i, text := range rows[k][:shown] {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if atLeft>>i&1 == 0 {
				text, pad = pad, text
			}
			line += text + pad
		}
		if k > 0 {
			line += "  " + bars[k-1]
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// row returns r's cells.
func (r *benchResult) row(st tableStyle) tableRow {
	cells := tableRow{r.name, "  " + report.Span(duration(r.Median)), "", "  1"}
	if r.N > 1 {
		cells[2] = fmt.Sprintf(" ±%.0f %%", 100*r.Spread/r.Median)
	}
	if g := r.gain; g != nil {
		cells[3] = fmt.Sprintf("  %.2f", g.Speedup.Value)
		cells[4] = interval(&g.Speedup)
		cells[5] = fmt.Sprintf("  %.0f %%", 100*g.Efficiency)
		cells[6] = "  " + report.Span(duration(g.Overhead))
	}
	for i := range cells {
		cells[i] = st.spell(cells[i]) // which may be longer
	}
	return cells
}

// interval returns u's interval with a space before it, "" if it is not known,
// and ~ after it if it tells nothing.
func interval(u *stats.Ratio) string {
	if !u.Known {
		return ""
	}
	text := fmt.Sprintf(" (%.2f–%.2f)", u.Low, u.High)
	if u.Unclear() {
		text += " ~"
	}
	return text
}

// bars returns a bar as long as the speed-up for each result, at most so many
// columns; none where there is no room.
func (s *benchSum) bars(most int, st tableStyle) []string {
	all := make([]string, len(s.results))
	top := 1.0
	for i := range s.results {
		top = max(top, s.results[i].speedup())
	}
	for i := range s.results {
		if most < 5 {
			continue
		}
		r := s.results[i]
		all[i] = bar(r.speedup()/top*float64(most), st.blocks)
		if st.colour {
			all[i] = "\x1b[" + r.colour() + "m" + all[i] + "\x1b[m"
		}
	}
	return all
}

// colour returns the parameter of SGR for r's bar: green for a gain, red for a
// loss, dim for what is neither.
func (r *benchResult) colour() string {
	switch {
	case r.gain == nil || r.gain.Speedup.Unclear():
		return "2"
	case r.gain.Speedup.Value < 1:
		return "31"
	}
	return "32"
}

// bar returns a bar that is so many columns long.
func bar(columns float64, blocks bool) string {
	if !blocks {
		return strings.Repeat("#", max(1, int(columns+.5)))
	}
	eighths := max(1, int(columns*8+.5))
	b := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		b += string('█' + rune(8-rest)) // ▉ ▊ … ▏ follow
	}
	return b
}
