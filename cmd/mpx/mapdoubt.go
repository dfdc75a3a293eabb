package main

import (
	"errors"
	"math"
	"sync"
	"time"

	"mpx/internal/server"
	"mpx/internal/shm"
)

// A verdict says which replies of filters can be trusted: pool.Config.Verdict.
type verdict struct {
	worker  int
	trusted bool
}

// verdicts are those that the scheduler has come to, and the report has not been told.
type verdicts struct {
	mu   sync.Mutex
	list []verdict
}

func (v *verdicts) add(worker int, trusted bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list = append(v.list, verdict{worker, trusted})
}

func (v *verdicts) take() []verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := v.list
	v.list = nil
	return list
}

// giveBack undoes take.
func (v *verdicts) giveBack(list []verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.list = append(list, v.list...)
}

// judge tells the report of verdicts, when it has the results of the workers that they
// are about. That a joblog cannot be corrected ends the run as if it had not been
// written at all.
func (r *mapRun) judge(list []verdict) (err error) {
	for _, v := range list {
		if v.trusted {
			r.report.Vouch(v.worker)
		} else if derr := r.report.Doubt(v.worker); err == nil {
			err = derr
		}
	}
	return err
}

// askDoubt asks a named pool that has ended before the run whether what it has answered
// can be trusted, and why it ended. Who vouched for which of its workers is not known
// here: then none of its replies can be.
func (r *mapRun) askDoubt(c *poolClients) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		return
	}
	if !c.doubted {
		err := r.joinPool()
		if c.doubted = isDoubted(err); c.doubted {
			c.failed = c.explain(err)
		}
	}
	if c.doubted {
		r.verdicts.add(math.MaxInt, false)
	}
}

// joinPool waits until the last worker of a pool is gone; the error is why it gave up.
// A pool that goes on, or is gone, has nothing to say.
func (r *mapRun) joinPool() error {
	dir, err := r.a.objects()
	if err != nil {
		return err
	}
	p, err := server.DialPool(dir, r.o.pool)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Join(shm.WaitFor(joinPatience))
}

// joinPatience is for how long a pool may end the tasks that it has.
const joinPatience = 5 * time.Second

// isDoubted reports whether a pool says that its replies cannot be trusted.
func isDoubted(err error) bool {
	var e *server.PoolError
	return errors.As(err, &e) && e.Kind == server.KindDoubted
}
