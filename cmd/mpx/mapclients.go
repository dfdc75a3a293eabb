package main

import (
	"slices"
	"sync"
	"syscall"
	"time"

	"mpx/internal/pool"
	"mpx/internal/server"
	"mpx/internal/task"
)

// A poolClients has the tasks of a run done by a named pool.
//
// The plan: a goroutine reads the input as the window allows and hands the tasks out.
// Each client, a goroutine of its own, takes one, has the pool apply it, and takes the
// next: so the pool serves others in between. What came of them stands in results until
// the run takes it. When the input has ended, or over says that nothing more is to begin,
// no more is read and the clients leave.
type poolClients struct {
	cfg      pool.Config       // of which it knows Jobs, Halt, Store, Starting, Watch, Throttle, Forget and the window's bounds
	okStatus []int             // exit statuses that are success; nil: the pool has judged
	explain  func(error) error // says of a client's error what the user should know

	clients []*server.PoolClient
	tasks   chan task.Task // handed out; closed at the end of the input
	over    chan struct{}  // closed when nothing more is to begin
	gone    chan struct{}  // closed when the last client has left

	mu      sync.Mutex // guards the following
	change  sync.Cond  // of what Next and feed wait for
	window  pool.Window
	results []task.Result
	applied map[*server.PoolClient]task.Running // what the pool has been given
	tally   pool.Tally
	read    uint64 // tasks
	all     bool   // no more will be read
	feeding bool   // tasks are there that have not been handed out
	left    bool   // gone is closed
	halted  bool
	failed  error // the first
	doubted bool  // the pool's filter answers too much or too little
}

func newPoolClients(clients []*server.PoolClient, cfg pool.Config, okStatus []int, explain func(error) error) *poolClients {
	c := &poolClients{
		cfg: cfg, okStatus: okStatus, explain: explain, clients: clients,
		tasks: make(chan task.Task), over: make(chan struct{}), gone: make(chan struct{}),
		applied: map[*server.PoolClient]task.Running{}, window: pool.NewWindow(cfg),
	}
	c.change.L = &c.mu
	return c
}

// Stream begins to run the tasks of src.
func (c *poolClients) Stream(src pool.Source) (results, error) {
	var all sync.WaitGroup
	for _, p := range c.clients {
		all.Go(func() { c.serve(p) })
	}
	go c.feed(src)
	go func() {
		all.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.left = true
		c.change.Broadcast()
		close(c.gone)
	}()
	return c, nil
}

// Close does nothing: the run is over with its input.
func (c *poolClients) Close() {}

// Pause does nothing: the tasks that run are the pool's.
func (c *poolClients) Pause() {}

// Resume does nothing, as Pause.
func (c *poolClients) Resume() {}

// Stop hangs up: the pool takes back what no worker has, and drops the rest's output.
func (c *poolClients) Stop(syscall.Signal, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish()
	c.hangUp()
}

// Join waits until the last client has left. The error is why the run cannot go on.
func (c *poolClients) Join() error {
	<-c.gone
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Halted reports whether --halt has ended the run.
func (c *poolClients) Halted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.halted
}

// Status returns how far it is. What runs is taken to be what the pool was given first,
// as it takes tasks in the order in which they came.
func (c *poolClients) Status() pool.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := pool.Status{Read: c.read, All: c.all}
	for _, t := range c.applied {
		st.Running = append(st.Running, t)
	}
	slices.SortFunc(st.Running, func(a, b task.Running) int { return int(a.Task.Seq) - int(b.Task.Seq) })
	if c.cfg.Jobs > 0 {
		st.Running = st.Running[:min(len(st.Running), c.cfg.Jobs)]
	}
	return st
}

// finish begins nothing more. The caller holds mu.
func (c *poolClients) finish() {
	if !c.isOver() {
		close(c.over)
		c.change.Broadcast()
	}
}

func (c *poolClients) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// hangUp lets go of what the pool has been given. The caller holds mu.
func (c *poolClients) hangUp() {
	for _, p := range c.clients {
		p.HangUp()
	}
}
