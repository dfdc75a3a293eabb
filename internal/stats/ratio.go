package stats

import (
	"math"
	"slices"
)

// A Ratio is the median of one sample over that of another, with the interval
// that holds the true ratio 95 times in 100.
type Ratio struct {
	Value     float64
	Low, High float64
	Known     bool // whether there are Low and High: they take LeastRuns values
}

// LeastRuns is how many values each sample must have for an interval. That of two
// or three holds the true ratio too rarely, as they may be close together by chance.
const LeastRuns = 5

// normal95 is how many standard errors are 95 % of a normal distribution.
const normal95 = 1.959963984540054

// Unclear reports whether the two samples may well have the same median.
func (r Ratio) Unclear() bool { return r.Known && r.Low <= 1 && r.High >= 1 }

// MedianRatio returns the median of a over that of b. The values must be
// positive.
//
// The interval is that of Bonett and Price (Confidence Intervals for Ratios of
// Means and Medians, Journal of Educational and Behavioral Statistics 45(6),
// 2020), as ci.ratio.median2 of R's statpsych has it: the logarithms of the two
// medians each have a standard error, which order statistics tell, so that no
// distribution is assumed. It takes the samples as independent. Times that were
// taken in turn rise and fall together, which makes it wider than it need be.
func MedianRatio(a, b []float64) Ratio {
	r := Ratio{Value: Median(a) / Median(b)}
	if len(a) < LeastRuns || len(b) < LeastRuns {
		return r
	}
	x, y := logError(a), logError(b)
	half := normal95 * math.Sqrt(x*x+y*y)
	r.Low, r.High, r.Known = r.Value*math.Exp(-half), r.Value*math.Exp(half), true
	return r
}

// logError returns the standard error of the logarithm of xs's median. Two order
// statistics that lie equally far from both ends hold the median with a
// probability that the binomial distribution gives; their distance is so many
// standard errors as hold it with the same probability in a normal distribution.
func logError(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := float64(len(s))
	k := max(1, int(math.Round(n/2-math.Sqrt(n)))) // from each end, from 1
	z := math.Sqrt2 * math.Erfinv(1-2*tossed(len(s), k-1))
	return math.Log(s[len(s)-k]/s[k-1]) / (2 * z)
}

// tossed returns the probability of at most k heads in n tosses of a coin. It
// goes by logarithms: the probability of none may be too small for a float64.
func tossed(n, k int) (p float64) {
	log := -float64(n) * math.Ln2
	for i := range k + 1 {
		p += math.Exp(log)
		log += math.Log(float64(n-i) / float64(i+1))
	}
	return p
}
