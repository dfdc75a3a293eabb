package stats

import "math"

// A LogHistogram's buckets: each is 2^(1/64) = 1.09 % wide. They reach from a
// microsecond to half a year when values are seconds; the outermost take what
// is beyond.
const (
	perOctave  = 64
	lowest     = -20 // binary exponent of the first bucket's lower edge
	octaves    = 44
	logBuckets = octaves * perOctave
)

// A LogHistogram counts values by their size, in memory that does not grow with
// them. The zero LogHistogram is empty.
type LogHistogram struct {
	counts   [logBuckets]int
	n        int
	min, max float64
}

// Add counts x.
func (h *LogHistogram) Add(x float64) {
	if h.n == 0 {
		h.min, h.max = x, x
	}
	h.min, h.max = min(h.min, x), max(h.max, x)
	h.counts[bucket(x)]++
	h.n++
}

func bucket(x float64) int {
	if x <= math.Exp2(lowest) {
		return 0
	}
	return min(int((math.Log2(x)-lowest)*perOctave), logBuckets-1)
}

// edge returns the lower edge of bucket i.
func edge(i int) float64 { return math.Exp2(lowest + float64(i)/perOctave) }

// N returns how many values were counted.
func (h *LogHistogram) N() int { return h.n }

// Max returns the greatest value, exactly; 0 of nothing.
func (h *LogHistogram) Max() float64 { return h.max }

// Quantile returns the value that a share q of all values does not exceed,
// 0 ≤ q ≤ 1, at most 0.6 % off between the outermost buckets; 0 of nothing.
func (h *LogHistogram) Quantile(q float64) float64 {
	if h.n == 0 {
		return 0
	}
	rank, seen := max(1, int(math.Ceil(q*float64(h.n)))), 0
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return min(max(math.Sqrt(edge(i)*edge(i+1)), h.min), h.max)
		}
	}
	panic("bug: fewer values in the buckets than were counted")
}

// A LogBar says that N values are at least From and less than To. The outermost
// buckets' values may be beyond.
type LogBar struct {
	From, To float64
	N        int
}

// Bars returns h as neighbouring bars that all span the same ratio, at least
// 4.4 %: no more than most, and no fewer than least, some of them empty then. Of
// nothing there are none.
func (h *LogHistogram) Bars(least, most int) []LogBar {
	if h.n == 0 {
		return nil
	}
	// A bar is a whole number of buckets: cut buckets would show as teeth.
	width, first, last := 4, bucket(h.min), bucket(h.max)
	for last/width-first/width+1 > most {
		width *= 2
	}
	first, last = first/width, last/width
	for last-first+1 < least {
		last++
		if last-first+1 < least && first > 0 {
			first--
		}
	}
	bars := make([]LogBar, 0, last-first+1)
	for i := first; i <= last; i++ {
		b := LogBar{From: edge(i * width), To: edge((i + 1) * width)}
		for _, n := range h.counts[min(i*width, logBuckets):min((i+1)*width, logBuckets)] {
			b.N += n
		}
		bars = append(bars, b)
	}
	return bars
}
