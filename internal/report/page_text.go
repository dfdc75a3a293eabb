package report

import (
	"bytes"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// markup is a page, or a part of one, as it grows. It is XHTML as well as HTML:
// every element is closed, so that any XML parser can read a page.
type markup struct{ b []byte }

// put appends markup. The arguments are numbers and words of this program;
// what comes from a run goes through text.
func (m *markup) put(format string, args ...any) { m.b = fmt.Appendf(m.b, format, args...) }

// text appends s, in which visible has left nothing but text.
func (m *markup) text(s string) { m.b = append(m.b, html.EscapeString(s)...) }

// A px is a length in a picture, written to a tenth.
type px float64

func (v px) String() string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(v), 'f', 1, 64), ".0")
}

// plainText returns what a task wrote as it is shown on a page: colours are
// left out, other control characters and bytes that are no text spelled out.
func plainText(b []byte) string {
	plain := bytes.ReplaceAll(stripANSI(b), []byte("\r\n"), []byte("\n"))
	return spellOut(string(plain), func(c rune) bool { return c != '\n' && c != '\t' && hidden(c) })
}

// wholeLines returns tail, the end of a longer text, from the first line that
// is whole, or character if the line is long.
func wholeLines(tail []byte) []byte {
	if i := bytes.IndexByte(tail, '\n'); i >= 0 && i < len(tail)/4 {
		return tail[i+1:]
	}
	for i := range min(utf8.UTFMax, len(tail)) {
		if utf8.RuneStart(tail[i]) {
			return tail[i:]
		}
	}
	return tail
}

// spanText returns d for people, to three digits or to the second.
func spanText(d time.Duration) string {
	s := d.Seconds()
	switch {
	case d < time.Millisecond:
		return digits(s*1e6) + " µs"
	case d < time.Second:
		return digits(s*1e3) + " ms"
	case d < 2*time.Minute:
		return digits(s) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(s)/60, int(s)%60)
	case d < 100*time.Hour:
		return fmt.Sprintf("%d h %d min", int(s)/3600, int(s)/60%60)
	}
	return commas(int(d.Round(time.Hour).Hours())) + " h"
}

// digits returns v ≥ 0 with three digits, more where they stand before the
// point.
func digits(v float64) string {
	switch {
	case v >= 99.95:
		return commas(int(v + .5))
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	case v >= .9995:
		return fmt.Sprintf("%.2f", v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// bytesText returns n bytes for people.
func bytesText(n int64) string {
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for v >= 1000 && len(units) > 1 {
		v, units = v/1024, units[1:]
	}
	return digits(v) + " " + units[0]
}
