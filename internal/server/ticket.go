package server

import (
	"strconv"
	"time"
)

// A ticket stands for a task that was submitted, until its result has been had, or
// nobody has come for it in time. The supervisor's mutex guards it.
type ticket struct {
	name   string
	job    *job
	lease  chan struct{} // full: a client is having the result; nil: none has tried yet
	gone   bool          // had, or dropped
	expiry *time.Timer   // nil: nobody is to drop it yet
}

// submit begins a task that is known by a ticket.
func (s *supervisor) submit(j *job) (*ticket, *PoolError) {
	t := &ticket{job: j}
	j.ticket = t
	s.change(func() {
		s.last++
		t.name = strconv.Itoa(s.last) + s.mark
		s.tickets[t.name] = t
	})
	if e := s.start(j); e != nil {
		s.change(func() { delete(s.tickets, t.name) })
		return nil, e
	}
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
	if d := s.setup.ResultTTL; d > 0 && t.job.ready() && t.expiry == nil && !t.gone {
		t.expiry = time.AfterFunc(d, func() { s.expire(t) })
	}
}

// leaseOf returns the lease of t.
func (s *supervisor) leaseOf(t *ticket) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.lease == nil {
		t.lease = make(chan struct{}, 1)
	}
	return t.lease
}

// expire drops the result of t, unless somebody is having it: then later.
func (s *supervisor) expire(t *ticket) {
	lease := s.leaseOf(t)
	select {
	case lease <- struct{}{}:
		s.drop(t)
		<-lease
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
	t.job.release()
}
