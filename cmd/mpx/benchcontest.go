package main

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// A contest times ways to do the same work.
type contest struct {
	what  string // the work, for people
	note  string // what else they should know; ""
	tasks int    // at least 1
	ways  []*way // each is preceded by what it is held against
}

// A way is one way to do the work.
type way struct {
	name    string            // for people, among the others: "-j 4"
	line    string            // what a user would type for it
	params  map[string]string // the flags that it has, as hyperfine's parameters
	kind    string            // of the worker; ways of one kind are one line of a picture
	workers int               // 0: one after another
	base    *way              // what it is held against; nil: this is it
	stays   bool              // its workers outlive a run, so that their processor time is not known

	do   func() (failures, error)
	runs []benchRun
}

// failures are the tasks of a run that failed.
type failures struct {
	n    int
	note string // what is known of the first of them; ""
}

// A benchRun is one run of a way. Times are in seconds.
type benchRun struct {
	seconds, user, system float64
	failures
}

// run times all ways, in rounds, so that what else the machine does meets each.
// In each round the order is another, so that none always comes after the same.
// The first warmUp rounds are not counted.
func (c *contest) run(warmUp, runs int, screen *benchScreen) error {
	defer screen.clear()
	rnd := rand.New(rand.NewPCG(1, 1)) // the same each time
	order := append([]*way(nil), c.ways...)
	for round := range warmUp + runs {
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, w := range order {
			screen.show(round, warmUp+runs, w)
			r, err := w.once()
			if err != nil {
				return err
			}
			if round == 0 && r.n == c.tasks {
				return w.hopeless(r.failures)
			}
			if round >= warmUp {
				w.runs = append(w.runs, r)
			}
		}
	}
	return nil
}

// hopeless says that w has nothing to be timed.
func (w *way) hopeless(f failures) error {
	note := ""
	if f.note != "" {
		note = ": " + f.note
	}
	return &failedError{
		fmt.Sprintf("%s: every task failed%s", w.name, note),
		"see what it says: mpx map COMMAND; for a status that is no failure: --ok-status",
	}
}

// once does the work once.
func (w *way) once() (r benchRun, err error) {
	user, system := used()
	begin := time.Now()
	r.failures, err = w.do()
	r.seconds = max(time.Since(begin), 1).Seconds()
	u, s := used()
	r.user, r.system = u-user, s-system
	return r, err
}

// used returns the processor time that this process has had, and its
// descendants that have been waited for, in seconds.
func used() (user, system float64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var ru syscall.Rusage
		if syscall.Getrusage(who, &ru) == nil {
			user += time.Duration(ru.Utime.Nano()).Seconds()
			system += time.Duration(ru.Stime.Nano()).Seconds()
		}
	}
	return user, system
}

// seconds returns how long w's runs took.
func (w *way) seconds() []float64 {
	all := make([]float64, len(w.runs))
	for i := range w.runs {
		all[i] = w.runs[i].seconds
	}
	return all
}
