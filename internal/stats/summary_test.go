package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b, by float64) bool { return math.Abs(a-b) <= by*max(math.Abs(a), math.Abs(b)) }

func TestSummarize(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want Summary
	}{
		{nil, Summary{}},
		{[]float64{3}, Summary{N: 1, Median: 3, Mean: 3, Min: 3, Max: 3}},
		{[]float64{2, 4, 4, 4, 5, 5, 7, 9}, Summary{N: 8, Median: 4.5, Mean: 5, StdDev: math.Sqrt(32. / 7), Min: 2, Max: 9, Spread: .5}},
		{[]float64{1, 1, 2, 2, 4, 6, 9}, Summary{N: 7, Median: 2, Mean: 25. / 7, StdDev: math.Sqrt(376. / 42), Min: 1, Max: 9, Spread: 1}},
	} {
		got := Summarize(c.xs)
		if !near(got.StdDev, c.want.StdDev, 1e-12) {
			t.Errorf("Summarize(%v).StdDev = %v, want %v", c.xs, got.StdDev, c.want.StdDev)
		}
		got.StdDev = c.want.StdDev
		if got != c.want {
			t.Errorf("Summarize(%v) = %+v, want %+v", c.xs, got, c.want)
		}
	}
}

func TestOutliers(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want []int
	}{
		{nil, nil},
		{[]float64{1}, nil},
		{[]float64{5, 5, 5, 5, 90}, nil}, // half of them are the same: nothing to measure by
		{[]float64{10, 11, 12, 13, 14}, nil},
		{[]float64{90, 10, 11, 12, 13}, []int{0}},
		{[]float64{10, 11, 12, 13, -90, 90}, []int{4, 5}},
		{[]float64{10, 11, 12, 13, 14, 26}, nil}, // 9 spreads
		{[]float64{10, 11, 12, 13, 14, 36}, []int{5}},
	} {
		if got := Outliers(c.xs); !slices.Equal(got, c.want) {
			t.Errorf("Outliers(%v) = %v, want %v", c.xs, got, c.want)
		}
	}
}

// samples draws run times, none of them 0.
func samples(t *rapid.T, name string, least int) []float64 {
	return rapid.SliceOfN(rapid.Float64Range(1e-3, 1e3), least, 30).Draw(t, name)
}

// At least half of the values are within Spread of the median, and no unit
// changes what is an outlier.
func TestSummaryProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := samples(t, "xs", 1)
		s := Summarize(xs)
		within := 0
		for _, d := range deviations(xs, s.Median) {
			if d <= s.Spread*(1+1e-9) {
				within++
			}
		}
		if 2*within < len(xs) {
			t.Errorf("%d of %d within %v of %v", within, len(xs), s.Spread, s.Median)
		}
		if s.Min > s.Median || s.Median > s.Max || s.Mean < s.Min*(1-1e-9) || s.Mean > s.Max*(1+1e-9) {
			t.Errorf("%+v", s)
		}
		twice := make([]float64, len(xs))
		for i, x := range xs {
			twice[i] = 2 * x
		}
		if a, b := Outliers(xs), Outliers(twice); !slices.Equal(a, b) {
			t.Errorf("outliers %v, of the doubles %v", a, b)
		}
	})
}
