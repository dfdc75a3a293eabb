package server

import (
	"mpx/internal/pool"
	"mpx/internal/task"
)

// start has j run.
func (s *supervisor) start(j *job) *PoolError {
	e := j.check()
	if e == nil {
		e = s.setup.Check(j.count)
	}
	if e != nil {
		j.values.Release()
		return e
	}
	s.change(func() { s.tasks++ })
	if !s.backlog.add(j) {
		s.change(func() { s.tasks-- })
		j.values.Release()
		return s.refusal(pool.ErrClosed)
	}
	return nil
}

// collect hands results to whom they belong, until there are no more.
func (s *supervisor) collect() {
	defer close(s.collected)
	for {
		results, err := s.stream.Next()
		for i := range results {
			s.collectOne(&results[i])
		}
		s.stream.Release(len(results))
		if err != nil {
			break
		}
	}
	st := task.Cancelled
	if s.pool.Halted() {
		st = task.Skipped
	}
	for _, j := range s.backlog.end() {
		s.finish(j, &task.Result{Status: st}, s.pool.Err())
	}
}

func (s *supervisor) collectOne(r *task.Result) {
	if r.Again { // another attempt follows
		r.Release()
		return
	}
	r.Forget()
	var err error
	if r.Status == task.Cancelled || r.Status == task.Lost {
		err = s.pool.Err()
	}
	s.finish(s.backlog.ended(r.Index), r, err)
}

// finish ends j: with a result, or why there is none.
func (s *supervisor) finish(j *job, r *task.Result, err error) {
	s.change(func() {
		j.result, j.err = r, err
		close(j.done)
		s.tasks--
		s.done++
		if j.ticket != nil {
			s.expireLater(j.ticket)
		}
	})
}

// abandon says that nobody wants the result of j any more.
func (s *supervisor) abandon(j *job) {
	if s.backlog.remove(j) {
		s.finish(j, &task.Result{Status: task.Cancelled}, nil)
	} else {
		s.pool.Drop(&j.unwanted)
	}
	go j.release()
}
