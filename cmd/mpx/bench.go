package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"mpx/internal/pool"
	"mpx/internal/stats"
	"mpx/internal/task"
	"mpx/internal/worker"

	"github.com/spf13/cobra"
)

const benchLong = `Run the same tasks one after another and through the pool, in turn, several
times, and say what the pool gains.

Records are lines of stdin, or words after :::, as in mpx map. Without COMMAND
it runs the example by which pools are introduced: doubling 100 integers, by a
plain loop and by Pool.map, and says why the pool loses there.`

const benchExamples = `  mpx bench                                   # doubling 100 integers
  seq 200 | mpx bench sh -c 'sleep 0.01'
  ls *.png | mpx bench -j 4 --runs 3 'pngcheck {} >/dev/null'`

const benchStatus = `  0     the tasks were run and timed
  1     a task failed, so that the times mean little
  2     wrong usage
  125   mpx itself failed
  128+N mpx ended what it had started and died by signal N`

type benchOptions struct {
	mapOptions
	runs int
}

func (a *app) benchCommand() *cobra.Command {
	o := &benchOptions{}
	cmd := &cobra.Command{
		Use:     "bench [flags] [COMMAND [ARG]...] [::: VALUE...]... < tasks",
		Short:   "What a pool gains over one task after another",
		Long:    benchLong,
		Example: benchExamples,
		RunE:    func(_ *cobra.Command, args []string) error { return a.runBench(o, args) },
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.SortFlags = false
	f.StringVarP(&o.jobs, "jobs", "j", "100%", "workers: `N`, or N%, +N, -N of the processors")
	f.StringVar(&o.chunkSize, "chunksize", "auto", "hand `N` records to a worker at a time")
	f.IntVar(&o.runs, "runs", 5, "time each way `N` times")
	return helped(cmd, benchStatus)
}

// A contest times two ways to do the same work.
type contest struct {
	what       string
	tasks      int
	jobs       int
	sequential func() error
	pool       func() error
	start      time.Duration // what it took to start the pool, apart; 0: it is part of each run
}

// timing is what came of a contest: medians.
type timing struct{ seq, pool time.Duration }

func (a *app) runBench(o *benchOptions, args []string) error {
	o.maxArgs, o.argSep, o.okStatus, o.killAfter, o.leftovers = "1", ":::", "0", "1s", "keep"
	if err := o.mapOptions.check(); err != nil {
		return err
	}
	if o.runs < 1 {
		return usagef("a number from 1", "--runs %d makes no sense", o.runs)
	}
	if o.jobsN == 0 {
		return usagef("a number of workers, such as -j 4", "bench wants to know how many workers")
	}
	words, groups := task.SplitArgs(args, ":::")
	if len(words) == 0 && len(groups) == 0 {
		return a.benchDouble(o)
	}
	return a.benchCommandLine(o, words, groups)
}

// run times both ways in turn, so that what else the machine does meets both.
func (c *contest) run(runs int) (timing, error) {
	var seq, pooled []float64
	for range runs {
		for _, way := range []struct {
			f    func() error
			into *[]float64
		}{{c.sequential, &seq}, {c.pool, &pooled}} {
			begin := time.Now()
			if err := way.f(); err != nil {
				return timing{}, err
			}
			*way.into = append(*way.into, time.Since(begin).Seconds())
		}
	}
	return timing{seconds(stats.Median(seq)), seconds(stats.Median(pooled))}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// overhead is what the pool adds to a task: the time its workers had, less the
// time the tasks need.
func (c *contest) overhead(t timing) time.Duration {
	n := time.Duration(c.tasks)
	return max(0, (t.pool*time.Duration(min(c.jobs, c.tasks))-t.seq)/n)
}

// tell prints what came out.
func (c *contest) tell(w io.Writer, runs int, t timing) error {
	n := time.Duration(max(c.tasks, 1))
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s each way in turn, medians\n\n", c.what, counted(c.tasks, "task"), counted(runs, "run"))
	fmt.Fprintf(&b, "  %-20s %12s %12s\n", "", "all", "a task")
	fmt.Fprintf(&b, "  %-20s %12v %12v\n", "one after another", short(t.seq), short(t.seq/n))
	fmt.Fprintf(&b, "  %-20s %12v %12v\n", "pool, -j "+strconv.Itoa(c.jobs), short(t.pool), short(t.pool/n))
	if c.start > 0 {
		fmt.Fprintf(&b, "  %-20s %12v\n", "(pool's start)", short(c.start))
	}
	speedup := t.seq.Seconds() / t.pool.Seconds()
	fmt.Fprintf(&b, "\n  speed-up %s, overhead %v a task\n", number(speedup), short(c.overhead(t)))
	if speedup < 1 {
		fmt.Fprintf(&b, "\nThe pool loses: a task takes %v, and handing one to another process and its\nresult back takes longer than that. A pool pays for tasks much longer than the overhead.\n", short(t.seq/n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counted returns n of a thing.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }

// short rounds d to three digits.
func short(d time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
}

// benchDouble is the example of doubling 100 integers.
func (a *app) benchDouble(o *benchOptions) error {
	double, err := worker.Function("double", nil)
	if err != nil {
		return err
	}
	p, err := pool.New(pool.Config{Function: "double", Jobs: o.jobsN, ChunkSize: o.chunkN})
	if err != nil {
		return err
	}
	var vs []task.Values
	for i := range 100 {
		vs = append(vs, task.One([]byte(strconv.Itoa(i))))
	}
	begin := time.Now()
	if _, err := p.Apply(vs[0]); err != nil { // starts the first worker
		return err
	}
	c := &contest{
		what: "doubling integers, in this process and by Pool.map", tasks: len(vs), jobs: o.jobsN, start: time.Since(begin),
		sequential: func() error {
			for _, v := range vs {
				double(v)
			}
			return nil
		},
		pool: func() error { return allOK(p.Map(vs)) },
	}
	t, err := c.run(o.runs)
	p.Close()
	if jerr := p.Join(); err == nil {
		err = jerr
	}
	if err != nil {
		return err
	}
	return c.tell(a.stdout, o.runs, t)
}

func allOK(results []task.Result, err error) error {
	if err != nil {
		return err
	}
	for i := range results {
		if results[i].Status != task.OK {
			return fmt.Errorf("task %d: %v", results[i].Seq, results[i].Status)
		}
	}
	return nil
}
