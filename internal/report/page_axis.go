package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ladder holds what divides hours and minutes well, in seconds.
var ladder = []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600}

const day = 24 * 3600.0

// timeStep returns a step, in seconds, that fits into span at most n times.
func timeStep(span float64, n int) float64 {
	raw := span / float64(n)
	switch {
	case raw <= .5:
		return niceStep(raw)
	case raw > day/2:
		return day * niceStep(raw/day)
	}
	for _, s := range ladder {
		if s >= raw {
			return s
		}
	}
	panic("bug: the ladder ends before half a day")
}

// niceStep returns the next of 1, 2 and 5 times a power of ten.
func niceStep(raw float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= raw*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// A clock writes the times of an axis that is so many seconds long.
type clock float64

// unit names what label writes.
func (c clock) unit() string {
	switch {
	case c < 1e-3:
		return "µs"
	case c < 1:
		return "ms"
	case c < 120:
		return "seconds"
	case c < 7200:
		return "minutes:seconds"
	}
	return "hours:minutes"
}

func (c clock) label(s float64) string {
	switch {
	case c < 1e-3:
		return short(s * 1e6)
	case c < 1:
		return short(s * 1e3)
	case c < 120:
		return short(s)
	case c < 7200:
		return fmt.Sprintf("%d:%02d", int(s+.5)/60, int(s+.5)%60)
	}
	m := int(s/60 + .5)
	return fmt.Sprintf("%s:%02d", commas(m/60), m%60)
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// Marks of an axis of run times, in seconds: where they stand close and where
// they are far apart.
var (
	closeMarks = marks([]float64{1, 2, 5, 10, 20, 50, 100, 200, 500}, []float64{1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 5 * 3600, 10 * 3600, day, 2 * day, 5 * day})
	farMarks   = marks([]float64{1, 10, 100}, []float64{1, 10, 60, 600, 3600, 10 * 3600, 100 * 3600})
)

// marks returns those of microseconds, of milliseconds and the seconds.
func marks(part, seconds []float64) []float64 {
	var all []float64
	for _, unit := range []float64{1e-6, 1e-3} {
		for _, v := range part {
			all = append(all, v*unit)
		}
	}
	return append(all, seconds...)
}

// logMarks returns marks between lo and hi, at most n and as evenly spaced as
// people read them.
func logMarks(lo, hi float64, n int) []float64 {
	for _, set := range [][]float64{closeMarks, farMarks} {
		var in []float64
		for _, v := range set {
			if v >= lo && v <= hi {
				in = append(in, v)
			}
		}
		if len(in) > n {
			continue
		}
		if len(in) > 2 {
			return in
		}
		break
	}
	var in []float64
	step := niceStep((hi - lo) / float64(min(n, 6)))
	for v := math.Ceil(lo/step) * step; v <= hi; v += step {
		in = append(in, v)
	}
	return in
}

// markText returns the time of a mark, s seconds, without zeros at its end.
func markText(s float64) string {
	number, unit, _ := strings.Cut(spanText(seconds(s)), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + " " + strings.TrimSuffix(strings.TrimSuffix(unit, " 0 s"), " 0 min")
}

// seconds returns s as a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
