package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"mpx/internal/task"
)

// A part of the progress line.
type part struct {
	text string
	red  bool
}

// progressParts returns what the line says, the most important first: the end
// may be cut off.
//
//	mpx: 1,234/10,000 12%, 4 running, 2 failed, 56.7/s, ETA 2m35s, 12s: convert a.png
func (r *Report) progressParts(s State) []part {
	p := r.progress
	parts := []part{{text: "mpx: " + p.counted(s)}}
	add := func(red bool, format string, args ...any) {
		parts = append(parts, part{text: ", "}, part{fmt.Sprintf(format, args...), red})
	}
	add(false, "%s running", commas(len(s.Running)))
	if p.failed > 0 {
		add(true, "%s failed", commas(p.failed))
	}
	perSecond := p.perSecond(max(etaFrom, len(s.Running)))
	if perSecond > 0 {
		add(false, "%s/s", digits(perSecond))
	}
	add(false, "ETA %s", p.eta(s, perSecond))
	if held := r.ring.Len(); held > 0 {
		add(false, "the output of %s waits for task %d", commas(held), r.ring.Next())
	}
	if t := longest(s.Running); t != nil {
		add(false, "%s: %s", shortSpan(time.Since(t.Start)), r.commandOf(t))
	}
	return parts
}

// counted returns "12/100 12%", or "12 done" while the end is not known.
func (p *progress) counted(s State) string {
	if s.Total == 0 {
		return commas(p.ended) + " done"
	}
	total := max(int(s.Total), p.ended)
	return fmt.Sprintf("%s/%s %d%%", commas(p.ended), commas(total), p.ended*100/total)
}

// etaFrom is how many tasks must have ended before their rate says anything.
const etaFrom = 3

// maxETA is beyond what anybody waits for.
const maxETA = 10_000 * time.Hour

// perSecond returns how many tasks end in a second: lately, or in all where
// lately have ended less than enough to tell.
func (p *progress) perSecond(enough int) float64 {
	last := (p.rate.n - 1) % len(p.rate.at)
	all := p.rate.done[last]
	if lately, n := p.rate.perSecond(); n >= enough {
		return lately
	}
	span := p.rate.at[last].Sub(p.start).Seconds()
	if span <= 0 {
		return 0
	}
	return float64(all) / span
}

// eta returns when the run will be over, "?" where nobody knows.
func (p *progress) eta(s State, perSecond float64) string {
	done := p.ended - p.before
	if s.Total == 0 || perSecond <= 0 || done < max(etaFrom, len(s.Running)) {
		return "?"
	}
	left := float64(max(0, int(s.Total)-p.ended)) / perSecond
	if left > maxETA.Seconds() {
		return "?"
	}
	return shortSpan(time.Duration(left * float64(time.Second)))
}

func longest(running []task.Running) (t *task.Running) {
	for i := range running {
		if t == nil || running[i].Start.Before(t.Start) {
			t = &running[i]
		}
	}
	return t
}

// shortSpan returns d as 0.3s, 12s, 2m35s, 3h04m, 2d03h.
func shortSpan(d time.Duration) string {
	switch s := int(d.Seconds()); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
	}
}

// fit puts parts together in no more than columns cells.
func fit(parts []part, columns int, colour bool) string {
	var b strings.Builder
	for _, p := range parts {
		text, whole := cutCells(p.text, columns)
		if p.red && colour {
			text = "\x1b[31m" + text + "\x1b[39m"
		}
		b.WriteString(text)
		if columns -= cells(p.text); !whole || columns <= 0 {
			break
		}
	}
	return b.String()
}

// cutCells returns the beginning of s that takes at most columns cells, and
// whether that is all of it. Characters beyond ASCII count as two cells, as the
// widest do: the line may end early but never wraps.
func cutCells(s string, columns int) (cut string, whole bool) {
	for i, c := range s {
		if columns -= width(c); columns < 0 {
			return s[:i], false
		}
	}
	return s, true
}

func width(c rune) int {
	if c < utf8.RuneSelf {
		return 1
	}
	return 2
}

func cells(s string) (n int) {
	for _, c := range s {
		n += width(c)
	}
	return n
}

// rateSpan is over how long a rate is taken.
const rateSpan = 30 * time.Second

// A rate is how many tasks a second have ended lately.
type rate struct {
	at   [64]time.Time
	done [64]int
	n    int // taken in so far; the latest stands at (n-1)%64
}

// add takes in that done tasks have ended at now. It keeps one of each half
// second, and the latest.
func (r *rate) add(now time.Time, done int) {
	if r.n < 2 || now.Sub(r.at[(r.n-2)%64]) >= rateSpan/60 {
		r.n++
	}
	i := (r.n - 1) % 64
	r.at[i], r.done[i] = now, done
}

// perSecond returns the rate over the last rateSpan, or as long as is known, and
// of how many tasks it is; 0: not known yet.
func (r *rate) perSecond() (rate float64, tasks int) {
	if r.n < 2 {
		return 0, 0
	}
	last, first := (r.n-1)%64, max(0, r.n-60)%64
	span := r.at[last].Sub(r.at[first]).Seconds()
	if span <= 0 {
		return 0, 0
	}
	tasks = r.done[last] - r.done[first]
	return float64(tasks) / span, tasks
}
