package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mpx/internal/pool"
	"mpx/internal/report"
	"mpx/internal/task"
	"mpx/internal/worker"
)

// benchDouble is the example of doubling 100 integers. The pools stay from run
// to run, as they do where they are introduced.
func (a *app) benchDouble(o *benchOptions, pools []*mapOptions) error {
	if len(o.commandsFlags) > 0 {
		return usagef("name a command: seq 100 | mpx bench COMMAND", "%s without a COMMAND", strings.Join(o.commandsFlags, ", "))
	}
	double, err := worker.Function("double", nil)
	if err != nil {
		return err
	}
	if err := o.export.open(a, nil); err != nil {
		return err
	}
	var vs []task.Values
	for i := range 100 {
		vs = append(vs, task.One([]byte(strconv.Itoa(i))))
	}
	base := &way{name: "sequential", line: "[double(i) for i in range(100)]", kind: "double"}
	base.do = func() (failures, error) {
		for _, v := range vs {
			double(v)
		}
		return failures{}, nil
	}
	c := &contest{what: "doubling integers, in this process and by Pool.map", tasks: len(vs), ways: []*way{base}}
	names := names(pools)
	for i, p := range pools {
		w := &way{name: names[i], line: p.poolOf("double"), kind: base.kind, workers: p.jobsN, base: base, stays: true}
		end, err := w.start(p, vs, c)
		if err != nil {
			return err
		}
		defer end()
		w.params = map[string]string{"jobs": strconv.Itoa(p.jobsN), "chunksize": p.chunk()}
		c.ways = append(c.ways, w)
	}
	return a.hold(c, o)
}

// start starts the pool that w is, and its first worker.
func (w *way) start(o *mapOptions, vs []task.Values, c *contest) (end func(), err error) {
	p, err := pool.New(pool.Config{Function: w.kind, Jobs: o.jobsN, ChunkSize: o.chunkN})
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if _, err := p.Apply(vs[0]); err != nil {
		return nil, err
	}
	if c.note == "" {
		c.note = fmt.Sprintf("A pool stays from run to run; to start one, which is not counted, took %s.", report.Span(time.Since(begin)))
	}
	w.do = func() (f failures, err error) {
		results, err := p.Map(vs)
		for i := range results {
			f.add(&results[i])
		}
		return f, err
	}
	return func() {
		p.Close()
		_ = p.Join() // an error ended a run before
	}, nil
}

// poolOf is what Python calls the pool that o is.
func (o *mapOptions) poolOf(function string) string {
	if o.chunkN == 0 {
		return fmt.Sprintf("Pool(%d).map(%s, range(100))", o.jobsN, function)
	}
	return fmt.Sprintf("Pool(%d).map(%s, range(100), %d)", o.jobsN, function, o.chunkN)
}
