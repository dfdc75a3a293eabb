package server

import (
	"encoding/json"
	"io"
	"strconv"

	"mpx/internal/ipc"
	"mpx/internal/task"
)

const (
	isOut     = "out"
	isEnd     = "end"
	isTicket  = "ticket"
	isYes     = "yes"
	isNo      = "no"
	isDone    = "done"
	isLeaving = "leaving"
	isStatus  = "status"
	isError   = "error"
)

// An answer is one of a supervisor's.
type answer struct {
	Is     string
	Stream int // out
	Ticket string
	Result *Outcome    // end
	Status *PoolStatus // status
	Error  *PoolError  // error
}

// encode encodes a, with its body if it is an out.
func (a *answer) encode(body []byte) []byte {
	b := append(make([]byte, 0, 256+len(body)), a.Is...)
	switch a.Is {
	case isOut:
		b = strconv.AppendInt(append(b, ' '), int64(a.Stream), 10)
	case isTicket:
		return append(append(b, '\n'), a.Ticket...)
	case isEnd:
		return a.Result.append(b)
	case isError:
		b = append(append(append(b, ' '), a.Error.Kind...), ' ')
		b = append(strconv.AppendInt(b, int64(len(a.Error.Text)), 10), '\n')
		return append(append(b, a.Error.Text...), a.Error.Hint...)
	case isStatus:
		text, err := json.Marshal(a.Status)
		if err != nil {
			panic("bug: encode a status: " + err.Error())
		}
		return append(append(b, '\n'), text...)
	}
	return append(append(b, '\n'), body...)
}

// decodeAnswer decodes an answer. One that it does not know is left as its first word
// says.
func decodeAnswer(message []byte) (a answer, body []byte, err error) {
	words, body, err := cutHeader(message)
	if err != nil {
		return a, nil, err
	}
	a.Is, words = words[0], words[1:]
	switch {
	case a.Is == isEnd:
		a.Result, err = parseOutcome(words, body)
	case a.Is == isStatus:
		err = json.Unmarshal(body, &a.Status)
	case a.Is == isTicket:
		a.Ticket = string(body)
	case a.Is == isError:
		a.Error, err = parsePoolError(words, body)
	case a.Is == isOut:
		var n []int64
		if n, err = numbers(words, 1); err == nil {
			a.Stream = int(n[0])
		}
	}
	return a, body, err
}

// NotRunning is what a pool says that takes no more tasks, as Python's.
const NotRunning = "Pool not running"

// Kinds of a PoolError.
const (
	KindUsage    = "usage"
	KindUnknown  = "unknown"
	KindNotReady = "notready"
	KindClosed   = "closed"
	KindRunning  = "running"
	KindTimeout  = "timeout"
	KindFailed   = "failed"
	KindDoubted  = "doubted"
)

// A PoolError is why a supervisor does not do what it is asked to.
type PoolError struct {
	Kind string
	Text string
	Hint string
}

func (e *PoolError) Error() string { return e.Text }

func parsePoolError(words []string, text []byte) (e *PoolError, err error) {
	if len(words) == 0 {
		return nil, errHeader
	}
	n, err := numbers(words[1:], 1)
	if err != nil {
		return nil, err
	}
	e = &PoolError{Kind: words[0]}
	e.Text, e.Hint, err = cutText(text, n[0])
	return e, err
}

// A pieceWriter sends what is written to it as pieces of an output.
type pieceWriter struct {
	c      *ipc.Connection
	stream int
}

func (w pieceWriter) Write(p []byte) (n int, err error) {
	for n < len(p) {
		piece := p[n:min(len(p), n+pieceSize)]
		if err := w.c.Send((&answer{Is: isOut, Stream: w.stream}).encode(piece)); err != nil {
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
	return c.Send((&answer{Is: isEnd, Result: outcomeOf(r)}).encode(nil))
}
