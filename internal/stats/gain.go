package stats

import "math"

// A Gain is what a pool does for some tasks, against one task after another.
// Times are in seconds.
type Gain struct {
	Speedup Ratio
	// Efficiency is the speed-up for each worker: 1 where none has to wait.
	Efficiency float64
	// Task is how long a task takes where they run one after another.
	Task float64
	// Overhead is what the pool adds to a task: the time that its workers had,
	// less the time that the tasks take. The pool's start is in it, shared out
	// over the tasks; so is what workers wait for one another.
	Overhead float64
	// BreakEven is the length of tasks, taken like Task, from which the pool is
	// the quicker way; infinite for a pool of one.
	BreakEven float64
}

// Compare returns the gain of a pool that has so many workers. seq and pooled
// are the times of whole runs of the same tasks, all of them positive; tasks and
// workers are at least 1.
//
// Break-even takes the overhead as the same for shorter and longer tasks: then n
// tasks of t seconds take n·t one after another, and n·(t+overhead)/workers
// through the pool.
func Compare(seq, pooled []float64, tasks, workers int) Gain {
	n, busy := float64(tasks), float64(min(workers, tasks))
	one, all := Median(seq), Median(pooled)
	g := Gain{
		Speedup:  MedianRatio(seq, pooled),
		Task:     one / n,
		Overhead: max(0, (all*busy-one)/n),
	}
	g.Efficiency = g.Speedup.Value / float64(workers)
	g.BreakEven = math.Inf(1)
	if busy > 1 {
		g.BreakEven = g.Overhead / (busy - 1)
	}
	return g
}
