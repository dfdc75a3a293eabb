package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

// The words of PROTOCOL.md.
const (
	doApply      = "apply"
	doSubmit     = "submit"
	doGet        = "get"
	doGot        = "got"
	doWait       = "wait"
	doReady      = "ready"
	doSuccessful = "successful"
	doStatus     = "status"
	doClose      = "close"
	doJoin       = "join"
	doTerminate  = "terminate"
	doRemove     = "rm"

	isOut    = "out"
	isEnd    = "end"
	isTicket = "ticket"
	isYes    = "yes"
	isNo     = "no"
	isDone   = "done"
	isStatus = "status"
	isError  = "error"
)

const (
	headerMost  = 64 << 10
	messageMost = 64 << 20
	pieceSize   = 64 << 10
)

// A request is the header of what a client wants.
type request struct {
	Do     string `json:"do"`
	Sizes  []int  `json:"sizes,omitempty"` // of the values in the body
	Ticket string `json:"ticket,omitempty"`
	Wait   int64  `json:"wait,omitempty"` // ns; negative: for ever
}

// An answer is the header of one.
type answer struct {
	Is     string      `json:"is"`
	Stream int         `json:"stream,omitempty"`
	Ticket string      `json:"ticket,omitempty"`
	Result *Outcome    `json:"result,omitempty"`
	Status *PoolStatus `json:"status,omitempty"`
	Error  *PoolError  `json:"error,omitempty"`
}

// An Outcome is how a task ended, without its output. Times are in nanoseconds, since
// 1970 or for so long.
type Outcome struct {
	Status   string `json:"status"` // task.Status
	Exit     int    `json:"exit"`
	Signal   int    `json:"signal"`
	Attempts int    `json:"attempts"`
	Worker   int    `json:"worker"`
	Slot     int    `json:"slot"`
	Start    int64  `json:"start"`
	Elapsed  int64  `json:"elapsed"`
	User     int64  `json:"user"`
	System   int64  `json:"system"`
	MaxRSS   int64  `json:"maxrss"` // bytes
	Known    bool   `json:"known"`  // the three before this are
	Note     string `json:"note,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

func outcomeOf(r *task.Result) *Outcome {
	o := &Outcome{
		Status: r.Status.String(), Exit: r.Exit, Signal: r.Signal, Attempts: int(r.Attempt), Worker: r.Worker, Slot: r.Slot,
		Elapsed: int64(r.Elapsed), User: int64(r.Usage.User), System: int64(r.Usage.System), MaxRSS: r.Usage.MaxRSS,
		Known: r.Usage.Known, Note: r.Note, Hint: r.Hint,
	}
	if !r.Start.IsZero() {
		o.Start = r.Start.UnixNano()
	}
	return o
}

// Result returns o as the result of t. What is no status that this mpx knows counts as
// lost.
func (o *Outcome) Result(t task.Task) task.Result {
	t.Attempt = uint32(o.Attempts)
	r := task.Result{
		Task: t, Status: task.Lost, Exit: o.Exit, Signal: o.Signal, Worker: o.Worker, Slot: o.Slot,
		Elapsed: time.Duration(o.Elapsed), Note: o.Note, Hint: o.Hint,
		Usage: task.Usage{User: time.Duration(o.User), System: time.Duration(o.System), MaxRSS: o.MaxRSS, Known: o.Known},
	}
	for s := task.OK; s <= task.Cancelled; s++ {
		if s.String() == o.Status {
			r.Status = s
		}
	}
	if o.Start != 0 {
		r.Start = time.Unix(0, o.Start)
	}
	return r
}

// A PoolStatus is what a pool is doing.
type PoolStatus struct {
	Name       string        `json:"name"`
	State      string        `json:"state"`
	Supervisor int           `json:"supervisor"` // pid
	Since      time.Time     `json:"since"`
	Jobs       int           `json:"jobs"`    // workers at most; 0: one a task
	Waiting    int           `json:"waiting"` // tasks that no worker has been given
	Held       int           `json:"held"`    // results that wait for get
	Clients    int           `json:"clients"` // who asks is one
	Done       uint64        `json:"done"`    // tasks
	Log        string        `json:"log"`
	Workers    []WorkerState `json:"workers"`
}

// A WorkerState is what a worker is doing.
type WorkerState struct {
	Worker int        `json:"worker"`
	PID    int        `json:"pid"`
	State  string     `json:"state"` // starting, idle, busy, retiring
	Tasks  int        `json:"tasks"` // that it has been given
	Task   string     `json:"task,omitempty"`
	Since  *time.Time `json:"since,omitempty"` // when that began
}

// Kinds of a PoolError.
const (
	KindUsage    = "usage"
	KindUnknown  = "unknown"
	KindNotReady = "notready"
	KindClosed   = "closed"
	KindRunning  = "running"
	KindTimeout  = "timeout"
	KindFailed   = "failed"
)

// A PoolError is why a supervisor does not do what it is asked to.
type PoolError struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

func (e *PoolError) Error() string { return e.Text }

// send sends a header with its body.
func send(c *ipc.Connection, header any, body []byte) error {
	b, err := json.Marshal(header)
	if err != nil {
		panic("bug: encode a header: " + err.Error())
	}
	return c.Send(append(append(b, '\n'), body...))
}

var errNoHeader = errors.New("message without a header")

// receive receives a message: its header into header, and returns its body.
func receive(c *ipc.Connection, header any) (body []byte, err error) {
	b, err := c.Recv(messageMost)
	if err != nil {
		return nil, err
	}
	return parseMessage(b, header)
}

func parseMessage(b []byte, header any) (body []byte, err error) {
	n := bytes.IndexByte(b[:min(len(b), headerMost)], '\n')
	if n < 0 {
		return nil, errNoHeader
	}
	if err := json.Unmarshal(b[:n], header); err != nil {
		return nil, fmt.Errorf("header of a message: %w", err)
	}
	return b[n+1:], nil
}

// cut cuts a body into values.
func cut(body []byte, sizes []int) (values [][]byte, err error) {
	for _, n := range sizes {
		if n < 0 || n > len(body) {
			return nil, errors.New("the values are longer than the message")
		}
		values, body = append(values, body[:n:n]), body[n:]
	}
	if len(body) > 0 {
		return nil, errors.New("the message is longer than the values")
	}
	return values, nil
}

// A pieceWriter sends what is written to it as pieces of an output.
type pieceWriter struct {
	c      *ipc.Connection
	stream int
}

func (w pieceWriter) Write(p []byte) (n int, err error) {
	for n < len(p) {
		piece := p[n:min(len(p), n+pieceSize)]
		if err := send(w.c, answer{Is: isOut, Stream: w.stream}, piece); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// sendResult sends a task's output, stdout first, and how it ended.
func sendResult(c *ipc.Connection, r *task.Result) error {
	for i, o := range []io.WriterTo{&r.Stdout, &r.Stderr} {
		if _, err := o.WriteTo(pieceWriter{c, i + 1}); err != nil {
			return err
		}
	}
	return send(c, answer{Is: isEnd, Result: outcomeOf(r)}, nil)
}
