package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"mpx/internal/report"
)

// A benchScreen is stderr: on a terminal a line there says how far a contest is.
type benchScreen struct {
	f     *os.File
	says  io.Writer // the same, for messages
	lines bool      // it shows them
	began time.Time
}

func (a *app) benchScreen() *benchScreen {
	term := os.Getenv("TERM")
	shows := isTerminal(a.stderr) && term != "" && term != "dumb" && cmp.Or(os.Getenv("MPX_PROGRESS"), "auto") != "never"
	return &benchScreen{f: a.stderr, says: a.says, lines: shows, began: time.Now()}
}

// show says that w runs, in round n of so many, from 0.
func (s *benchScreen) show(n, rounds int, w *way) {
	if !s.lines || !inForeground(s.f) {
		return
	}
	text := fmt.Sprintf("mpx: round %d of %d: %s", n+1, rounds, w.name)
	if n > 0 {
		left := time.Since(s.began) / time.Duration(n) * time.Duration(rounds-n)
		text += ", about " + max(left, time.Second).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(s.f, "\r%s\x1b[K", report.OneLine(text, max(terminalWidth(s.f)-4, 1)))
}

// clear takes the line away.
func (s *benchScreen) clear() {
	if s.lines && inForeground(s.f) {
		fmt.Fprint(s.f, "\r\x1b[K")
	}
}

// say writes a message where the line was.
func (s *benchScreen) say(text string) {
	s.clear()
	fmt.Fprintln(s.says, "mpx:", text)
}
