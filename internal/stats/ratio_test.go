package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The example in the manual of R's statpsych, ci.ratio.median2.
func TestMedianRatio(t *testing.T) {
	a := []float64{36, 44, 47, 42, 49, 39, 46, 31, 33, 48}
	b := []float64{32, 39, 26, 35, 43, 27, 40, 37, 34, 29, 49, 42, 40}
	r := MedianRatio(a, b)
	if !r.Known || !near(r.Value, 1.162162, 1e-6) || !near(r.Low, 0.927667, 1e-6) || !near(r.High, 1.455933, 1e-6) {
		t.Errorf("got %+v", r)
	}
	if !r.Unclear() {
		t.Error("it holds 1, but is clear")
	}
}

func TestMedianRatioFewRuns(t *testing.T) {
	r := MedianRatio([]float64{4, 4, 4, 4, 4}, []float64{2, 2, 2, 2})
	if r != (Ratio{Value: 2}) {
		t.Errorf("got %+v", r)
	}
	if r.Unclear() {
		t.Error("nothing is known, and that is unclear")
	}
}

func TestTossed(t *testing.T) {
	for _, c := range []struct {
		n, k int
		want float64
	}{{1, 0, .5}, {5, 0, 1. / 32}, {10, 1, 11. / 1024}, {13, 2, 92. / 8192}, {4, 4, 1}, {3001, 1500, .5}} {
		if got := tossed(c.n, c.k); !near(got, c.want, 1e-9) {
			t.Errorf("tossed(%d, %d) = %v, want %v", c.n, c.k, got, c.want)
		}
	}
}

func TestMedianRatioProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := samples(t, "a", LeastRuns), samples(t, "b", LeastRuns)
		r := MedianRatio(a, b)
		if !r.Known || r.Low > r.Value || r.High < r.Value || !near(r.Low*r.High, r.Value*r.Value, 1e-9) {
			t.Fatalf("got %+v", r)
		}
		// Turned round it is the inverse.
		if q := MedianRatio(b, a); !near(q.Value*r.Value, 1, 1e-9) || !near(q.Low*r.High, 1, 1e-9) {
			t.Errorf("%+v, turned round %+v", r, q)
		}
		// The unit and the order do not matter.
		k := rapid.Float64Range(.01, 100).Draw(t, "k")
		c := slices.Clone(a)
		slices.Reverse(c)
		for i := range c {
			c[i] *= k
		}
		if q := MedianRatio(c, b); !near(q.Value, k*r.Value, 1e-9) || !near(q.High, k*r.High, 1e-9) {
			t.Errorf("%+v, with %v times a: %+v", r, k, q)
		}
	})
}

// The interval holds the true ratio about as often as it promises, from the
// fewest runs on, for times as programs have them: some runs much longer.
func TestMedianRatioHolds(t *testing.T) {
	const rounds = 4000
	for _, n := range []int{LeastRuns, 7, 10, 20} {
		rnd := rand.New(rand.NewPCG(1, uint64(n)))
		draw := func(median float64) []float64 {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = median * (1 + .1*(rnd.ExpFloat64()-math.Ln2))
			}
			return xs
		}
		held := 0
		for range rounds {
			if r := MedianRatio(draw(3), draw(2)); r.Low <= 1.5 && r.High >= 1.5 {
				held++
			}
		}
		t.Logf("%d runs: %.1f %%", n, 100*float64(held)/rounds)
		if share := float64(held) / rounds; share < .93 || share > .99 {
			t.Errorf("%d runs: the interval holds %.1f %% of the time", n, 100*share)
		}
	}
}
