package ipc

import (
	"errors"
	"fmt"
	"io"
	"time"

	"mpx/internal/shm"
)

// Errors of the ends of named pipes.
var (
	// ErrOtherClosed: the other end is closed, and receives no more (Python:
	// BrokenPipeError).
	ErrOtherClosed = errors.New("the other end is closed")
	// ErrEndClosed: this end is closed (Python: OSError "handle is closed").
	ErrEndClosed = errors.New("this end is closed")
)

// A PipeEnd is an end of a named pipe: what processes send at one end others receive
// at the other, message by message, and it stays while no process is there.
//
// A named pipe is a table that says which of its ends are closed, and in the directory
// beside it a queue for each end that receives, "1" and "2": its inbox.
type PipeEnd struct {
	t       *shm.Table
	n       int    // 1 or 2
	in, out *Queue // nil: it does not receive, or send
}

// The words of a named pipe's table.
const (
	wordSimplex = iota
	wordClosed1 // 1: end 1 is closed
	wordClosed2
)

// MakePipe makes the pipe name. Of a simplex one end 1 receives and end 2 sends.
func MakePipe(d *shm.Dir, name string, simplex bool) error {
	var words [shm.TableWords]uint64
	if simplex {
		words[wordSimplex] = 1
	}
	t, err := d.MakeTable(name, shm.KindPipe, 0, words, "")
	if err != nil {
		return err
	}
	return errors.Join(t.Tidy(), t.Close())
}

// OpenPipeEnd opens end n, 1 or 2, of the pipe name.
func OpenPipeEnd(d *shm.Dir, name string, n int) (e *PipeEnd, err error) {
	t, err := d.OpenTable(name, shm.KindPipe, nil)
	if err != nil {
		return nil, err
	}
	e = &PipeEnd{t: t, n: n}
	// Under the pipe's guard: nobody removes it meanwhile.
	err = t.Change(t.Patience(), func(c *shm.Change) error {
		inside, err := t.Inside()
		if err != nil {
			return err
		}
		simplex := c.Words[wordSimplex] == 1
		if !simplex || n == 1 {
			e.in, err = inbox(inside, n)
		}
		if err == nil && (!simplex || n == 2) {
			e.out, err = inbox(inside, 3-n)
		}
		if err == nil && c.Words[wordClosed1]|c.Words[wordClosed2] != 0 {
			err = e.closeQueues() // who closed it may have been killed before that
		}
		return err
	})
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// inbox opens the queue of what end n receives.
func inbox(inside *shm.Dir, n int) (*Queue, error) {
	name := fmt.Sprint(n)
	q, err := OpenQueue(inside, name)
	if errors.Is(err, shm.ErrNotExist) {
		q, err = MakeQueue(inside, name, 0, "")
	}
	return q, err
}

// Tell has f be told of messages that are found to be damaged.
func (e *PipeEnd) Tell(f func(*Damage)) {
	if e.in != nil {
		e.in.Tell(f)
	}
}

// Close closes this process's side of the end; the pipe stays as it is.
func (e *PipeEnd) Close() error {
	var errs []error
	for _, q := range []*Queue{e.in, e.out} {
		if q != nil {
			errs = append(errs, q.Close())
		}
	}
	return errors.Join(append(errs, e.t.Close())...)
}

func (e *PipeEnd) closed() bool { return e.t.Word(wordClosed1+e.n-1) != 0 }

// SetClosed closes the end for all processes: the other one receives what was sent,
// and then io.EOF.
func (e *PipeEnd) SetClosed() error {
	err := e.t.Change(e.t.Patience(), func(c *shm.Change) error {
		c.Words[wordClosed1+e.n-1] = 1
		return nil
	})
	return errors.Join(err, e.closeQueues())
}

// closeQueues has nobody put into what nobody receives from, or sends to, any more.
func (e *PipeEnd) closeQueues() (err error) {
	for _, q := range []*Queue{e.in, e.out} {
		if q != nil {
			err = errors.Join(err, q.SetClosed())
		}
	}
	return err
}

// Item returns a message of the bytes that r has.
func (e *PipeEnd) Item(r io.Reader) (Item, error) {
	if e.out == nil {
		return Item{}, ErrReadOnly
	}
	return e.out.Item(r)
}

// Send sends a message.
func (e *PipeEnd) Send(m Item) error {
	switch {
	case e.out == nil:
		return ErrReadOnly
	case e.closed():
		return ErrEndClosed
	}
	_, err := e.out.Put([]Item{m}, e.t.Patience()) // there is room
	if errors.Is(err, ErrQueueClosed) {
		return e.whose(ErrOtherClosed)
	}
	return err
}

// whose returns err, which says that the other end is closed, or that this one is.
func (e *PipeEnd) whose(err error) error {
	if e.closed() {
		return ErrEndClosed
	}
	return err
}

// watched calls wait, which waits at the inbox, and meanwhile looks now and then at
// the pipe itself: who closed an end, or removed the pipe, may have been killed before
// the inbox knew.
func (e *PipeEnd) watched(wait func() error) error {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				e.finish()
			case <-over:
				return
			}
		}
	}()
	err := wait()
	close(over)
	<-done
	if errors.Is(err, io.EOF) {
		err = e.whose(err)
	}
	return err
}

// finish does what another was killed at, unless the pipe is busy: there is a next time.
func (e *PipeEnd) finish() {
	err := e.t.Change(shm.Once(), func(c *shm.Change) error {
		if c.Words[wordClosed1]|c.Words[wordClosed2] == 0 {
			return nil
		}
		return e.closeQueues()
	})
	if errors.Is(err, shm.ErrRemoved) {
		_ = e.in.Object().Remove() // and who waits there knows
	}
}

// Recv gives out the next message, which is received when it is Done. io.EOF: the
// other end is closed, and all has been received. shm.ErrTimeout: there was none in
// time.
func (e *PipeEnd) Recv(w shm.Wait) (l *Lease, err error) {
	switch {
	case e.in == nil:
		return nil, ErrWriteOnly
	case e.closed():
		return nil, ErrEndClosed
	}
	err = e.watched(func() error {
		l, err = e.in.Lease(w)
		return err
	})
	return l, err
}

// Poll reports whether there is something to receive, a message or the end, and
// waits for that as long as w says. It takes nothing away.
func (e *PipeEnd) Poll(w shm.Wait) (bool, error) {
	switch {
	case e.in == nil:
		return false, ErrWriteOnly
	case e.closed():
		return false, ErrEndClosed
	}
	err := e.watched(func() error { return e.in.AwaitItem(w) })
	var busy *shm.BusyError
	switch {
	case errors.As(err, &busy): // which is no answer
	case errors.Is(err, shm.ErrTimeout):
		return false, nil
	case err == nil:
		err = e.whose(nil)
	}
	return err == nil, err
}

// Parties returns who receives, and holds a message, and who waits for one.
func (e *PipeEnd) Parties() ([]shm.Party, error) {
	if e.in == nil {
		return nil, nil
	}
	return e.in.Object().Parties()
}

// Receives reports whether the end receives: of a simplex pipe one does not.
func (e *PipeEnd) Receives() bool { return e.in != nil }

// State returns how many messages wait for the end, and whether it is closed.
func (e *PipeEnd) State() (waiting int, closed bool, err error) {
	if e.in != nil {
		var s QueueState
		s, err = e.in.State()
		waiting = s.Waiting
	}
	return waiting, e.closed(), err
}
