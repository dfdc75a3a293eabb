package server

import (
	"strconv"
	"time"

	"mpx/internal/pool"
)

// A ticket stands for a task that was submitted, until its result has been had, or
// nobody has come for it in time. The supervisor's mutex guards all but lease.
type ticket struct {
	name   string
	result *pool.AsyncResult
	lease  chan struct{} // full: a client is having the result
	gone   bool          // had, or dropped
	ended  bool          // the result is there, or about to be
	expiry *time.Timer   // nil: nobody is to drop it yet
}

// submit begins a task that is known by a ticket.
func (s *supervisor) submit(values [][]byte) (*ticket, *PoolError) {
	t := &ticket{lease: make(chan struct{}, 1)}
	s.change(func() {
		s.last++
		t.name = strconv.Itoa(s.last) + s.mark
	})
	a, e := s.start(values, func() {
		t.ended = true
		s.expireLater(t)
	})
	if e != nil {
		return nil, e
	}
	s.change(func() {
		t.result = a
		s.tickets[t.name] = t
		s.expireLater(t)
	})
	return t, nil
}

// find returns the ticket of that name.
func (s *supervisor) find(name string) (*ticket, *PoolError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tickets[name]; t != nil {
		return t, nil
	}
	return nil, unknownTicket(name)
}

func unknownTicket(name string) *PoolError {
	return &PoolError{KindUnknown, "there is no ticket " + name, "submit prints tickets; get takes a result away, and after --result-ttl it is dropped"}
}

// expireLater has the result of t, if it is there, dropped when nobody has come for it
// in time. The mutex must be held.
func (s *supervisor) expireLater(t *ticket) {
	if d := s.setup.ResultTTL; d > 0 && t.result != nil && (t.ended || s.ended) && t.expiry == nil && !t.gone {
		t.expiry = time.AfterFunc(d, func() { s.expire(t) })
	}
}

// expire drops the result of t, unless somebody is having it: then later.
func (s *supervisor) expire(t *ticket) {
	select {
	case t.lease <- struct{}{}:
		s.drop(t)
		<-t.lease
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		t.expiry.Reset(s.setup.ResultTTL)
	}
}

// drop forgets t. The caller has its lease.
func (s *supervisor) drop(t *ticket) {
	s.change(func() {
		t.gone = true
		if t.expiry != nil {
			t.expiry.Stop()
		}
		delete(s.tickets, t.name)
	})
	release(t.result)
}

// release gives back what the result of a task holds, once it is there.
func release(a *pool.AsyncResult) {
	results, _ := a.Get(-1)
	for i := range results {
		results[i].Release()
	}
}
