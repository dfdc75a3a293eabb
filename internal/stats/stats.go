// Package stats is the mathematics of benchmarks and run times.
package stats

import "slices"

// Median returns the median of xs, which it leaves as it is; 0 of nothing.
func Median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}
