package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestLogHistogramEmpty(t *testing.T) {
	var h LogHistogram
	if h.N() != 0 || h.Max() != 0 || h.Quantile(.5) != 0 || h.Bars(5, 20) != nil {
		t.Error("an empty histogram knows something")
	}
}

func TestLogHistogramBeyond(t *testing.T) {
	var h LogHistogram
	h.Add(0)
	h.Add(1e300)
	bars := h.Bars(1, 24)
	if h.Quantile(0) > edge(1) || h.Max() != 1e300 || bars[0].N != 1 || bars[len(bars)-1].N != 1 {
		t.Errorf("Quantile(0) = %v, Max = %v, bars %v", h.Quantile(0), h.Max(), bars)
	}
}

// Quantiles are those of the sorted values but for a bucket's width; bars hold
// every value, in their bounds, and are as many as asked for.
func TestLogHistogramProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(1e-6, 1e6), 1, 200).Draw(t, "xs")
		var h LogHistogram
		for _, x := range xs {
			h.Add(x)
		}
		slices.Sort(xs)
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		want := xs[max(1, int(math.Ceil(q*float64(len(xs)))))-1]
		if got := h.Quantile(q); math.Abs(got/want-1) > .006 {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
		if h.Max() != xs[len(xs)-1] || h.N() != len(xs) {
			t.Errorf("Max %v, N %d of %v", h.Max(), h.N(), xs)
		}
		checkBars(t, h.Bars(6, 24), xs)
	})
}

func checkBars(t *rapid.T, bars []LogBar, xs []float64) {
	if len(bars) < 6 || len(bars) > 24 {
		t.Errorf("%d bars", len(bars))
	}
	const slack = 1 + 1e-9 // values on an edge may fall on either side
	for _, b := range bars {
		inside := func(slack float64) (n int) {
			for _, x := range xs {
				if x*slack >= b.From && x < b.To*slack {
					n++
				}
			}
			return n
		}
		if b.N < inside(1/slack) || b.N > inside(slack) {
			t.Errorf("bar %v, but %d values", b, inside(1))
		}
	}
}
