package report

import "time"

// Span returns d for people, to three digits or to the second: "1.25 ms".
func Span(d time.Duration) string { return spanText(d) }

// OneLine returns s for a line of a terminal: what would do something there is
// spelled out, and what is beyond about most bytes is left out.
func OneLine(s string, most int) string { return shorten(visible(s), most) }
