package report

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"mpx/internal/task"
)

// maxSummary is how much is added to the step's summary, in bytes. GitHub
// refuses summaries over 1 MiB, and many runs may share one.
const maxSummary = 60 << 10

// writeSummary appends the run's section to the file of the step's summary.
func (g *GitHub) writeSummary(sum *Summary) error {
	if g.o.Summary == "" {
		return nil
	}
	f, err := os.OpenFile(g.o.Summary, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err == nil {
		_, err = f.Write(g.appendSummary(nil, sum))
		err = cmp.Or(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("write step summary: %w", err)
	}
	return nil
}

// appendSummary appends the section as Markdown, apart from what stands before
// it.
func (g *GitHub) appendSummary(b []byte, sum *Summary) []byte {
	outcome := sum.of(sum.OK) + " ok"
	if n := sum.Failed(); n > 0 {
		outcome = sum.of(n) + " failed"
	}
	b = appendHTML(append(b, "\n\n### "...), plain(g.o.Name, maxTold))
	b = fmt.Appendf(b, ": %s\n\n", outcome)
	b = append(b, "| tasks |"...)
	figures := fmt.Sprintf("| %s |", commas(sum.Total))
	for s, n := range sum.By {
		b = fmt.Appendf(b, " %s |", task.Status(s))
		figures += fmt.Sprintf(" %s |", commas(n))
	}
	b = append(b, " seconds |\n"+strings.Repeat("| ---: ", len(sum.By)+2)+"|\n"...)
	b = fmt.Appendf(b, "%s %.3f |\n", figures, time.Since(g.start).Seconds())
	if sum.Broken != "" {
		b = appendHTML(append(b, "\nmpx itself failed: "...), plain(sum.Broken, maxTold))
		b = append(b, '\n')
	}
	return g.appendFailures(b, sum.Failed())
}

// appendFailures appends a table of the first of so many failures. It is HTML
// without an empty line, in which Markdown does not look for its marks.
func (g *GitHub) appendFailures(b []byte, failed int) []byte {
	if len(g.told) == 0 {
		return b
	}
	const end = "</table>\n"
	b = append(b, "\n<table>\n<tr><th>task</th><th>how</th><th>seconds</th><th>command</th><th>stderr</th></tr>\n"...)
	told := 0
	for _, f := range g.told {
		row := f.row()
		if len(b)+len(row) > maxSummary {
			break
		}
		b = append(b, row...)
		told++
	}
	b = append(b, end...)
	if failed > told {
		b = fmt.Appendf(b, "\nand %s more\n", commas(failed-told))
	}
	return b
}

func (f *toldFailure) row() []byte {
	b := fmt.Appendf(nil, "<tr><td>%d</td><td>%s</td><td>%.3f</td><td><code>", f.Seq, f.How, f.elapsed.Seconds())
	b = appendHTML(b, f.Command)
	b = append(b, "</code></td><td><pre>"...)
	b = appendHTML(b, f.stderr)
	return append(b, "</pre></td></tr>\n"...)
}

// appendHTML appends the UTF-8 text s so that no character of it can be taken
// for HTML nor, should Markdown look at it after all, for a mark of that.
func appendHTML(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 0x80, c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z',
			strings.IndexByte(" -./,=+%", c) >= 0:
			b = append(b, c)
		default:
			b = fmt.Appendf(b, "&#%d;", c)
		}
	}
	return b
}
