package server

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"mpx/internal/pool"
	"mpx/internal/shm"
	"mpx/internal/task"
)

// A PoolSetup is what a pool's supervisor runs.
type PoolSetup struct {
	Config    pool.Config
	IdleExit  time.Duration // end after so long without client, task or result; 0: never
	ResultTTL time.Duration // after which a result that nobody gets is dropped; 0: never
	// Values is where the values of tasks are that wait; nil: a store in $TMPDIR or /tmp.
	Values *task.Store
	// Check refuses so many values, which make no task.
	Check func(values int) *PoolError
	// Display is a task's command, for people.
	Display func(t *task.Task, slot int) string
}

// A supervisor owns a named pool: its record, its socket, its tickets. What workers do
// is package pool's affair.
//
// The plan: let clients in, each served by a goroutine of its own. Pass on what is to
// end the pool: a signal, the end of the parent, a client's word, idleness. When the
// last worker is gone, stay while results wait. Then take the name away and leave.
type supervisor struct {
	setup  *PoolSetup
	record *shm.Pool
	door   *listener
	pool   *pool.Pool

	backlog   *backlog
	stream    *pool.Stream  // of the backlog
	collected chan struct{} // closed when no more results come

	signals chan os.Signal
	parent  <-chan struct{} // closed when the parent has ended; nil: of no interest
	joined  chan struct{}   // closed when the last worker is gone
	changed chan struct{}   // something of the following has

	mu        sync.Mutex // guards the following
	moved     sync.Cond  // something of it has changed
	tickets   map[string]*ticket
	last      int    // ticket's number
	mark      string // ends each ticket: one of another supervisor is not taken for ours
	clients   int
	asking    int // clients that have asked and are not answered
	joining   int // of them, those that join
	tasks     int // without a result
	done      uint64
	closed    bool
	halted    string // why --halt has closed it; "": it has not
	ending    bool   // what runs is being ended
	ended     bool   // joined is closed
	why       error  // the pool gave up
	told      bool   // somebody knows
	abandoned bool   // nobody is to wait for results any more
	idle      *time.Timer
}

// stuckTime is how long a supervisor that is to leave waits for clients that do not
// read what they are sent.
const stuckTime = time.Second

func newSupervisor(setup *PoolSetup, record *shm.Pool, door *listener) (*supervisor, error) {
	s := &supervisor{
		setup: setup, record: record, door: door, collected: make(chan struct{}),
		signals: make(chan os.Signal, 4), joined: make(chan struct{}), changed: make(chan struct{}, 1),
		tickets: map[string]*ticket{}, mark: fmt.Sprintf("-%04x", rand.IntN(1<<16)),
	}
	if setup.Config.Halt.On != pool.HaltNever {
		setup.Config.Watch = s.see
	}
	if setup.Values == nil {
		setup.Values = task.NewStore("")
	}
	s.moved.L = &s.mu
	s.backlog = newBacklog(func(j *job, err error) { s.finish(j, nil, fmt.Errorf("read its values: %w", err)) })
	p, err := pool.New(setup.Config)
	if err != nil {
		return nil, err
	}
	s.pool = p
	if s.stream, err = p.Stand(s.backlog); err != nil {
		return nil, err
	}
	s.idle = time.AfterFunc(time.Hour, s.idled)
	s.idle.Stop()
	return s, nil
}

// admit lets clients in until the door is closed.
func (s *supervisor) admit() {
	for {
		c, err := s.door.accept()
		if err != nil {
			return
		}
		s.change(func() { s.clients++ })
		go func() {
			(&session{s: s, c: c}).serve()
			s.change(func() { s.clients-- })
		}()
	}
}

// change changes what mu guards, and has the main loop look at it.
func (s *supervisor) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.moved.Broadcast()
	if d := s.setup.IdleExit; d > 0 {
		if s.isIdle() {
			s.idle.Reset(d)
		} else {
			s.idle.Stop()
		}
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *supervisor) isIdle() bool { return s.clients+s.tasks+len(s.tickets) == 0 && !s.closed }

// idled ends a pool that nobody has used for long.
func (s *supervisor) idled() {
	s.mu.Lock()
	still := s.isIdle()
	s.mu.Unlock()
	if still {
		s.close()
	}
}

// run is the supervisor's life after its start.
func (s *supervisor) run() {
	s.change(func() {}) // it may be idle from the beginning
	var stuck <-chan time.Time
	for ended := s.joined; ; {
		select {
		case <-s.signals: // who sends one wants it gone
			s.change(func() { s.abandoned = true })
			s.terminate()
		case <-s.parent:
			s.parent = nil
			s.change(func() { s.abandoned = true })
			s.terminate()
		case <-ended:
			ended = nil
			_ = s.record.Set(shm.PoolEnded) // an error: another program has cut the file
		case <-s.changed:
		case <-stuck:
			return
		}
		leave, wait := s.mayLeave()
		if leave {
			return
		}
		if wait && stuck == nil {
			stuck = time.After(stuckTime)
		}
	}
}

// mayLeave reports whether nothing keeps the supervisor, and whether it is to leave
// soon even so.
func (s *supervisor) mayLeave() (leave, soon bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended && !s.waitsForClients() && s.asking == 0, s.ended && s.abandoned
}

// leaves reports whether nothing keeps the supervisor but who joins. Others that have just
// been answered have a moment to be gone.
func (s *supervisor) leaves() bool {
	over := false
	t := time.AfterFunc(stuckTime, func() { s.change(func() { over = true }) })
	defer t.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !over && !s.waitsForClients() && s.asking > s.joining {
		s.moved.Wait()
	}
	return !s.waitsForClients() && s.asking == s.joining
}

// waitsForClients reports whether there is something that clients have not had. The mutex
// must be held.
func (s *supervisor) waitsForClients() bool {
	return !s.abandoned && (len(s.tickets) > 0 || s.why != nil && !s.told)
}

// close takes no more tasks.
func (s *supervisor) close() {
	s.shut()
	s.pool.Close()
}

// terminate ends what runs; a second one at once.
func (s *supervisor) terminate() {
	s.shut()
	again := false
	s.change(func() { again, s.ending = s.ending, true })
	if again {
		s.pool.Stop(syscall.SIGKILL, 0)
	} else {
		s.pool.Terminate()
	}
}

// shut marks the pool as closed.
func (s *supervisor) shut() {
	was := false
	s.change(func() { was, s.closed = !s.closed, true })
	s.backlog.close()
	if was {
		_ = s.record.Set(shm.PoolClosing) // an error: another program has cut the file
	}
}

// see takes in that the pool has closed itself.
func (s *supervisor) see(e task.Event) {
	if e.Kind == task.Halted {
		s.change(func() { s.halted = "it has halted: " + e.Reason })
		s.shut()
		fmt.Fprintln(os.Stderr, "mpx: the pool takes no more tasks:", s.halted)
	}
}

// watch waits for the end of the pool, also of one that gives up.
func (s *supervisor) watch() {
	<-s.pool.Ended()
	err := s.pool.Join()
	<-s.collected
	s.change(func() { s.closed, s.ended, s.why = true, true, err })
	if err != nil {
		fmt.Fprintln(os.Stderr, "mpx:", err)
	}
	close(s.joined)
}

// refusal says why the pool takes no task.
func (s *supervisor) refusal(err error) *PoolError {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.why != nil:
		s.told = true
		return &PoolError{kindOf(s.why), s.why.Error(), ""}
	case errors.Is(err, pool.ErrClosed):
		return &PoolError{KindClosed, strings.TrimSuffix(NotRunning+": "+s.halted, ": "), ""}
	}
	s.told = true
	return &PoolError{kindOf(err), err.Error(), ""}
}

// kindOf tells of a pool that gives up whether what it has answered can be trusted.
func kindOf(err error) string {
	var useless *pool.UselessError
	if errors.As(err, &useless) && useless.Doubted {
		return KindDoubted
	}
	return KindFailed
}

// status returns what the pool is doing.
func (s *supervisor) status() *PoolStatus {
	ps := s.pool.Status()
	state, pid, err := s.record.Look()
	st := &PoolStatus{
		Name: s.record.Name, State: state.String(), Supervisor: pid, Since: s.record.Made(),
		Jobs: s.setup.Config.Jobs, Waiting: ps.Waiting + s.backlog.len(), Log: s.record.LogPath(), Workers: []WorkerState{},
	}
	if err != nil {
		st.State = err.Error()
	}
	for _, w := range ps.Workers {
		ws := WorkerState{Worker: w.Number, PID: w.PID, State: w.State, Tasks: w.Has}
		if r := w.Running; r != nil {
			ws.Task, ws.Since = s.setup.Display(&r.Task, r.Slot), &r.Start
		}
		st.Workers = append(st.Workers, ws)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tickets {
		if t.job.ready() {
			st.Held++
		}
	}
	st.Clients, st.Done = s.clients, s.done
	return st
}
