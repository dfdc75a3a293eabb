package stats

import (
	"math"
	"slices"
)

// A Summary says what a sample of run times, or of anything, is like. All but N
// are in the unit of the sample.
type Summary struct {
	N            int
	Median, Mean float64
	// StdDev is the sample's standard deviation (by N-1); 0 of fewer than two.
	StdDev   float64
	Min, Max float64
	// Spread is the median absolute deviation: half of the values are within it
	// of the median. A few wild values do not move it.
	Spread float64
}

// Summarize returns the summary of xs, which it leaves as it is; of nothing, the
// zero Summary.
func Summarize(xs []float64) Summary {
	if len(xs) == 0 {
		return Summary{}
	}
	s := Summary{N: len(xs), Median: Median(xs), Min: slices.Min(xs), Max: slices.Max(xs)}
	s.Spread = Median(deviations(xs, s.Median))
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	s.Mean = sum / float64(s.N)
	if s.N > 1 {
		squares := 0.0
		for _, x := range xs {
			squares += (x - s.Mean) * (x - s.Mean)
		}
		s.StdDev = math.Sqrt(squares / float64(s.N-1))
	}
	return s
}

// deviations returns how far each of xs is from m.
func deviations(xs []float64, m float64) []float64 {
	ds := make([]float64, len(xs))
	for i, x := range xs {
		ds[i] = math.Abs(x - m)
	}
	return ds
}

// farOff is how many median absolute deviations from the median make an
// outlier: ten standard deviations, were the values normal. It is what hyperfine
// takes; less would find one in every handful of run times.
const farOff = 10 * 1.4826

// Outliers returns the places in xs, from 0, of values that are nothing like the
// others, by the modified z-score of Iglewicz and Hoaglin (How to Detect and
// Handle Outliers, 1993). There are none where half of the values are the same.
func Outliers(xs []float64) (at []int) {
	m := Median(xs)
	ds := deviations(xs, m)
	spread := Median(ds)
	for i, d := range ds {
		if spread > 0 && d > farOff*spread {
			at = append(at, i)
		}
	}
	return at
}
