package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"
)

// busyText returns the state of what another process is changing, for people: busy, 1234
// is stopped.
func busyText(b *shm.BusyError) string {
	switch {
	case b.PID == 0:
		return "busy"
	case b.Stopped:
		return fmt.Sprintf("busy, %d is stopped", b.PID)
	}
	return fmt.Sprintf("busy, by %d", b.PID)
}

// queueText returns how a queue is, for people: 3 of 10 wait, 2 at work, closed.
func queueText(s *ipc.QueueState) string {
	text := fmt.Sprintf("%d wait", s.Waiting)
	if s.Most > 0 {
		text = fmt.Sprintf("%d of %d wait", s.Waiting, s.Most)
	}
	if s.Leased > 0 {
		text += fmt.Sprintf(", %d at work", s.Leased)
	}
	if n := s.Unfinished - s.Waiting - s.Leased; n > 0 {
		text += fmt.Sprintf(", %d not done", n)
	}
	if s.Closed {
		text += ", closed"
	}
	return text
}

func writeListings(w io.Writer, list []*listing, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		for _, l := range list {
			if err := e.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	now := time.Now()
	for _, l := range list {
		rows = append(rows, l.row(now))
	}
	_, err := io.WriteString(w, columns(rows))
	return err
}

func (l *listing) row(now time.Time) []string {
	row := []string{l.Name, l.Kind, l.State, l.Made.Format("2006-01-02 15:04:05"), "", ""}
	if text := partiesText(l.parties, shm.Holds, now); text != "" {
		row[4] = "held by " + text
	}
	if text := partiesText(l.parties, shm.Waits, now); text != "" {
		row[5] = "waited for by " + text
	}
	return row
}

// partiesText returns the pids of those in role, and for how long they are: 1234
// (2m5s), 1250 (3s).
func partiesText(list []shm.Party, role shm.Role, now time.Time) string {
	var texts []string
	for _, p := range list {
		if p.Role != role {
			continue
		}
		text := fmt.Sprint(p.PID)
		if !p.Since.IsZero() {
			text += fmt.Sprintf(" (%v)", max(0, now.Sub(p.Since)).Truncate(time.Second))
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// columns sets rows below each other, their cells aligned.
func columns(rows [][]string) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if width[i] > 0 {
				fmt.Fprintf(&line, "%-*s  ", width[i], cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
