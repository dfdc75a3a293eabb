package report

// OneLine returns s for a line of a terminal: what would do something there is
// spelled out, and what is beyond about most bytes is left out.
func OneLine(s string, most int) string { return shorten(visible(s), most) }
