package server

import (
	"errors"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

// A session is a client, as its supervisor sees it. One goroutine serves it, while
// another reads, so that it is noticed at once when the client hangs up.
type session struct {
	s     *supervisor
	c     *ipc.Connection
	asked chan asked    // closed when the client has hung up
	over  chan struct{} // closed when it is not served any more
	gone  chan struct{} // closed with asked
}

// asked is a request with the task of apply and submit.
type asked struct {
	request
	job *job
}

// errGone is why a session ends: the client has hung up, or does not keep to the
// protocol.
var errGone = errors.New("the client is gone")

func (n *session) serve() {
	n.asked, n.over, n.gone = make(chan asked), make(chan struct{}), make(chan struct{})
	defer n.c.Close()
	defer close(n.over)
	go n.read()
	for r := range n.asked {
		n.s.change(func() { n.s.asking++ })
		err := n.answer(&r)
		n.s.change(func() { n.s.asking-- })
		if err != nil {
			return
		}
	}
}

// read takes in requests until the client hangs up.
func (n *session) read() {
	defer close(n.gone)
	defer close(n.asked)
	for {
		r, err := n.receive()
		if err == nil {
			select {
			case n.asked <- r:
				continue
			case <-n.over:
			}
		}
		if r.job != nil {
			r.job.values.Release()
		}
		return
	}
}

// receive receives a request. It may be long, and there may be many clients: values go
// where they wait as they come.
func (n *session) receive() (r asked, err error) {
	header, store := true, n.s.setup.Values
	err = n.c.RecvPieces(messageMost, headerMost, func(piece []byte) (err error) {
		if header {
			if r.request, piece, err = decodeRequest(piece); err != nil {
				return err
			}
			if header = false; r.Do == doApply || r.Do == doSubmit {
				r.job = newJob(store, r.Sizes)
			}
		}
		if r.job != nil {
			r.job.add(store, piece)
		}
		return nil
	})
	return r, err
}

// answer answers one request. Its error ends the session.
func (n *session) answer(r *asked) error {
	e, err := n.do(r)
	if e != nil {
		err = n.send(answer{Is: isError, Error: e})
	}
	return err
}

func (n *session) do(r *asked) (*PoolError, error) {
	switch r.Do {
	case doApply:
		return n.apply(r.job)
	case doSubmit:
		return n.submit(r.job)
	case doGet:
		return n.get(r)
	case doWait, doReady, doSuccessful:
		return n.ask(r)
	case doStatus:
		return nil, n.send(answer{Is: isStatus, Status: n.s.status()})
	case doJoin:
		return n.join(r)
	case doClose:
		n.s.close()
	case doTerminate:
		n.s.terminate()
	case doRemove:
		return n.remove()
	default:
		return &PoolError{KindUsage, "this pool does not know the request " + r.Do, "it was started by another version of mpx"}, nil
	}
	return nil, n.send(answer{Is: isDone})
}

func (n *session) send(a answer) error { return n.c.Send(a.encode(nil)) }

// apply runs a task while the client waits. If that hangs up, nobody wants the result.
func (n *session) apply(j *job) (*PoolError, error) {
	if e := n.s.start(j); e != nil {
		return e, nil
	}
	select {
	case <-j.done:
	case <-n.gone:
		n.s.abandon(j)
		return nil, errGone
	}
	defer j.release()
	return n.result(j)
}

// result sends a result that is there.
func (n *session) result(j *job) (*PoolError, error) {
	if j.err != nil {
		return n.s.refusal(j.err), nil
	}
	return nil, sendResult(n.c, j.result)
}

func (n *session) submit(j *job) (*PoolError, error) {
	t, e := n.s.submit(j)
	if e != nil {
		return e, nil
	}
	return nil, n.send(answer{Is: isTicket, Ticket: t.name})
}

// await waits for done, as long as r has it and the client is there.
func (n *session) await(r *asked, done <-chan struct{}, what string) (*PoolError, error) {
	var over <-chan time.Time
	if r.Wait >= 0 {
		t := time.NewTimer(time.Duration(r.Wait))
		defer t.Stop()
		over = t.C
	}
	select {
	case <-done: // also when the time is over, too
		return nil, nil
	default:
	}
	select {
	case <-done:
		return nil, nil
	case <-over:
		return &PoolError{KindTimeout, what, ""}, nil
	case <-n.gone:
		return nil, errGone
	}
}

// get sends the result of a ticket, and forgets it once the client has it. Of several
// that want it one gets it, and the next if that fails.
func (n *session) get(r *asked) (*PoolError, error) {
	t, e := n.s.find(r.Ticket)
	if e != nil {
		return e, nil
	}
	if e, err := n.await(r, t.job.done, "the task has not ended"); e != nil || err != nil {
		return e, err
	}
	lease := n.s.leaseOf(t)
	select {
	case lease <- struct{}{}:
	case <-n.gone:
		return nil, errGone
	}
	defer func() { <-lease }()
	if t.gone {
		return unknownTicket(r.Ticket), nil
	}
	if e, err := n.result(t.job); e != nil || err != nil {
		if e != nil {
			n.s.drop(t)
		}
		return e, err
	}
	if got, ok := <-n.asked; !ok || got.Do != doGot {
		return nil, errGone
	}
	n.s.drop(t)
	return nil, nil
}

// ask answers what there is to know of a ticket without taking its result away.
func (n *session) ask(r *asked) (*PoolError, error) {
	t, e := n.s.find(r.Ticket)
	if e != nil {
		return e, nil
	}
	is := isDone
	switch {
	case r.Do == doWait:
		if e, err := n.await(r, t.job.done, "the task has not ended"); e != nil || err != nil {
			return e, err
		}
	case r.Do == doReady:
		is = yesNo(t.job.ready())
	case !t.job.ready():
		return &PoolError{KindNotReady, r.Ticket + " not ready", "mpx pool wait waits for it"}, nil
	default:
		is = yesNo(t.job.err == nil && t.job.result.Status == task.OK)
	}
	return nil, n.send(answer{Is: is})
}

func yesNo(yes bool) string {
	if yes {
		return isYes
	}
	return isNo
}

// join waits until the last worker is gone. If nothing keeps the supervisor, the client
// waits on for its name to be free.
func (n *session) join(r *asked) (*PoolError, error) {
	n.s.mu.Lock()
	closed := n.s.closed
	n.s.mu.Unlock()
	if !closed {
		return &PoolError{KindRunning, "Pool is still running", ""}, nil
	}
	n.s.change(func() { n.s.joining++ })
	defer n.s.change(func() { n.s.joining-- })
	if e, err := n.await(r, n.s.joined, "workers are still there"); e != nil || err != nil {
		return e, err
	}
	n.s.mu.Lock()
	why := n.s.why
	n.s.mu.Unlock()
	switch {
	case why != nil:
		return n.s.refusal(why), nil
	case n.s.leaves():
		return nil, n.send(answer{Is: isLeaving})
	}
	return nil, n.send(answer{Is: isDone})
}

// remove has the supervisor leave, though results wait.
func (n *session) remove() (*PoolError, error) {
	n.s.mu.Lock()
	ended := n.s.ended
	n.s.mu.Unlock()
	if !ended {
		return &PoolError{KindRunning, "it is running", ""}, nil
	}
	err := n.send(answer{Is: isDone})
	n.s.change(func() { n.s.abandoned = true })
	return nil, err
}
