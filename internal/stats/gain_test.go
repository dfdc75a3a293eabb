package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name           string
		seq, pooled    float64
		tasks, workers int
		want           Gain
	}{
		{"no overhead", 8, 2, 4, 4, Gain{Speedup: Ratio{Value: 4}, Efficiency: 1, Task: 2}},
		{"some", 8, 4, 8, 4, Gain{Speedup: Ratio{Value: 2}, Efficiency: .5, Task: 1, Overhead: 1, BreakEven: 1. / 3}},
		{"a loss", 1, 2, 10, 2, Gain{Speedup: Ratio{Value: .5}, Efficiency: .25, Task: .1, Overhead: .3, BreakEven: .3}},
		{"one worker", 1, 1.5, 10, 1, Gain{Speedup: Ratio{Value: 2. / 3}, Efficiency: 2. / 3, Task: .1, Overhead: .05, BreakEven: math.Inf(1)}},
		{"one task", 1, 1.5, 1, 8, Gain{Speedup: Ratio{Value: 2. / 3}, Efficiency: 1. / 12, Task: 1, Overhead: .5, BreakEven: math.Inf(1)}},
		{"more than was to be had", 9, 2, 3, 3, Gain{Speedup: Ratio{Value: 4.5}, Efficiency: 1.5, Task: 3}},
	} {
		got := Compare([]float64{c.seq}, []float64{c.pooled}, c.tasks, c.workers)
		same := got.Speedup == c.want.Speedup && near(got.Efficiency, c.want.Efficiency, 1e-12) && near(got.Task, c.want.Task, 1e-12) &&
			near(got.Overhead, c.want.Overhead, 1e-12) && (got.BreakEven == c.want.BreakEven || near(got.BreakEven, c.want.BreakEven, 1e-12))
		if !same {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A pool whose times follow the model gets its overhead back, and at break-even
// it takes as long as one task after another.
func TestCompareProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Float64Range(1e-6, 10).Draw(t, "length")
		overhead := rapid.Float64Range(1e-6, 1).Draw(t, "overhead")
		workers := rapid.IntRange(2, 64).Draw(t, "workers")
		tasks := rapid.IntRange(workers, 5000).Draw(t, "tasks")
		n, w := float64(tasks), float64(workers)
		g := Compare([]float64{n * length}, []float64{n * (length + overhead) / w}, tasks, workers)
		slack := 1e-9 * (length + overhead)
		if math.Abs(g.Overhead-overhead) > slack || math.Abs(g.Task-length) > slack {
			t.Fatalf("got %+v", g)
		}
		if seq, pooled := n*g.BreakEven, n*(g.BreakEven+g.Overhead)/w; !near(seq, pooled, 1e-9) {
			t.Errorf("at break-even %v one after another, %v by the pool", seq, pooled)
		}
		if (g.Speedup.Value > 1+1e-9) != (length > g.BreakEven*(1+1e-9)) && !near(length, g.BreakEven, 1e-6) {
			t.Errorf("a speed-up of %v, but break-even at %v and tasks of %v", g.Speedup.Value, g.BreakEven, length)
		}
	})
}
