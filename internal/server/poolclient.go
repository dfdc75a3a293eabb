package server

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/shm"

	"golang.org/x/sys/unix"
)

// A LostError says that a pool's supervisor is gone, or went in the middle of it.
type LostError struct {
	PID int
	// Planned says that the pool has ended as it was told to.
	Planned bool
}

func (e *LostError) Error() string {
	if e.Planned {
		return "the pool has ended"
	}
	return fmt.Sprintf("the pool's supervisor, process %d, was killed: what it ran has ended, its results are lost", e.PID)
}

// A PoolClient is a connection with a pool's supervisor, for one goroutine. Errors of
// its methods are a *PoolError, if the supervisor refuses, a *LostError, if it is gone,
// or those of writing what it sends.
type PoolClient struct {
	dir    *shm.Dir
	record *shm.Pool
	c      *ipc.Connection
	hungUp atomic.Bool // by HangUp
}

// ErrHungUp is the error of a client's methods after HangUp.
var ErrHungUp = errors.New("this end has hung up")

// DialPool connects to the supervisor of the pool name. shm.ErrNotExist: there is no
// such pool.
func DialPool(dir *shm.Dir, name string) (*PoolClient, error) {
	record, err := dir.OpenPool(name)
	if err != nil {
		return nil, err
	}
	p := &PoolClient{dir: dir, record: record}
	if p.c, err = dial(record.Side()); err == nil {
		return p, nil
	}
	defer record.Close()
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ECONNRESET) {
		var lost *LostError
		if err = p.lost(); errors.As(err, &lost) && lost.Planned {
			err = shm.ErrNotExist
		}
		return nil, err
	}
	return nil, fmt.Errorf("connect to its supervisor: %w", err)
}

// Close hangs up.
func (p *PoolClient) Close() {
	p.c.Close()
	p.record.Close()
}

// HangUp ends what another goroutine waits for, which gets ErrHungUp. Close has still to
// be called.
func (p *PoolClient) HangUp() {
	p.hungUp.Store(true)
	if raw, err := p.c.File().SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
}

// lost says why the supervisor is not there: one that leaves as planned has first said
// so, and taken the name away. Whether it still is a process decides nothing: who is
// killed hangs up before that. Another error than a *LostError: it cannot be told.
func (p *PoolClient) lost() error {
	_, pid, _ := p.record.Look()
	now, err := p.dir.OpenPool(p.record.Name)
	if err == nil {
		defer now.Close()
	}
	var other *shm.KindError
	gone := errors.Is(err, shm.ErrNotExist) || errors.As(err, &other) || err == nil && !now.Made().Equal(p.record.Made())
	if err != nil && !gone && !errors.Is(err, shm.ErrDamaged) {
		return fmt.Errorf("find out what has become of the pool: %w", err)
	}
	return &LostError{pid, gone && p.record.Over()}
}

func (p *PoolClient) send(r request, body []byte) error {
	return p.broken(p.c.Send(r.encode(body)))
}

// broken tells the end of the supervisor from other errors.
func (p *PoolClient) broken(err error) error {
	if err == nil {
		return nil
	}
	if p.hungUp.Load() {
		return ErrHungUp
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		err := p.lost()
		var l *LostError
		if errors.As(err, &l) && !l.Planned && outlives(l.PID, hangUpTime) {
			return fmt.Errorf("the pool's supervisor, process %d, has hung up: it may be of another version of mpx", l.PID)
		}
		return err
	}
	return fmt.Errorf("talk to the pool's supervisor: %w", err)
}

// hangUpTime is for how long a process that is killed may be seen after it has hung up.
const hangUpTime = time.Second

// outlives reports whether pid is still there after d.
func outlives(pid int, d time.Duration) bool {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return !errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(pidfd)
	return errors.Is(await([]int{pidfd}, shm.WaitFor(d)), shm.ErrTimeout)
}

// next receives an answer that the client knows.
func (p *PoolClient) next() (a answer, body []byte, err error) {
	for {
		b, err := p.c.Recv(messageMost)
		if err == nil {
			a, body, err = decodeAnswer(b)
		}
		if err != nil {
			return a, nil, p.broken(err)
		}
		switch a.Is {
		case isError:
			return a, nil, a.Error
		case isOut, isEnd, isTicket, isYes, isNo, isDone, isLeaving, isStatus:
			return a, body, nil
		}
	}
}

// ask sends a request that one answer follows.
func (p *PoolClient) ask(r request, body []byte) (a answer, err error) {
	if err := p.send(r, body); err != nil {
		return a, err
	}
	a, _, err = p.next()
	return a, err
}

func values(do string, vs []string) (request, []byte) {
	r := request{Do: do}
	var body []byte
	for _, v := range vs {
		r.Sizes = append(r.Sizes, len(v))
		body = append(body, v...)
	}
	return r, body
}

// Apply runs a task, writes its output, and returns how it ended.
func (p *PoolClient) Apply(vs []string, stdout, stderr io.Writer) (*Outcome, error) {
	if err := p.send(values(doApply, vs)); err != nil {
		return nil, err
	}
	return p.result(stdout, stderr)
}

// Submit begins a task and returns its ticket.
func (p *PoolClient) Submit(vs []string) (string, error) {
	a, err := p.ask(values(doSubmit, vs))
	return a.Ticket, err
}

// Get writes the output of a ticket's task and returns how it ended; the supervisor
// then forgets it.
func (p *PoolClient) Get(ticket string, w shm.Wait, stdout, stderr io.Writer) (*Outcome, error) {
	if err := p.send(request{Do: doGet, Ticket: ticket, Wait: nanoseconds(w)}, nil); err != nil {
		return nil, err
	}
	o, err := p.result(stdout, stderr)
	if err == nil {
		_ = p.send(request{Do: doGot}, nil) // an error: there is nobody to forget it
	}
	return o, err
}

// result takes in a task's output and end.
func (p *PoolClient) result(stdout, stderr io.Writer) (*Outcome, error) {
	for {
		a, body, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case a.Is == isEnd:
			return a.Result, nil
		case a.Is == isOut && a.Stream == 2:
			_, err = stderr.Write(body)
		case a.Is == isOut:
			_, err = stdout.Write(body)
		}
		if err != nil {
			return nil, err
		}
	}
}

// Wait waits for the end of a ticket's task.
func (p *PoolClient) Wait(ticket string, w shm.Wait) error {
	_, err := p.ask(request{Do: doWait, Ticket: ticket, Wait: nanoseconds(w)}, nil)
	return err
}

// Ready reports whether a ticket's task has ended.
func (p *PoolClient) Ready(ticket string) (bool, error) { return p.yes(doReady, ticket) }

// Successful reports whether a ticket's task, which has ended, went well.
func (p *PoolClient) Successful(ticket string) (bool, error) { return p.yes(doSuccessful, ticket) }

func (p *PoolClient) yes(do, ticket string) (bool, error) {
	a, err := p.ask(request{Do: do, Ticket: ticket}, nil)
	return a.Is == isYes, err
}

// Join waits until the last worker of a pool is gone that was closed or terminated, and,
// if nothing keeps its supervisor then, until its name is free.
func (p *PoolClient) Join(w shm.Wait) error {
	a, err := p.ask(request{Do: doJoin, Wait: nanoseconds(w)}, nil)
	if err == nil && a.Is == isLeaving {
		err = p.leaves()
	}
	return err
}

// Shut closes the pool.
func (p *PoolClient) Shut() error { return p.order(doClose) }

// Terminate ends what runs.
func (p *PoolClient) Terminate() error { return p.order(doTerminate) }

// Remove has the supervisor of a pool that has ended leave, though results wait. It
// returns when it has.
func (p *PoolClient) Remove() error {
	if err := p.order(doRemove); err != nil {
		return err
	}
	return p.leaves()
}

// leaves waits until the supervisor has left, which has said that it will.
func (p *PoolClient) leaves() (err error) {
	for err == nil {
		_, _, err = p.next()
	}
	var l *LostError
	if errors.As(err, &l) && l.Planned {
		return nil
	}
	return err
}

func (p *PoolClient) order(do string) error {
	_, err := p.ask(request{Do: do}, nil)
	return err
}

// Status returns what the pool is doing.
func (p *PoolClient) Status() (*PoolStatus, error) {
	a, err := p.ask(request{Do: doStatus}, nil)
	return a.Status, err
}

// nanoseconds is w in a request.
func nanoseconds(w shm.Wait) int64 { return int64(w.Left()) }
