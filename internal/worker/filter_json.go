package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"mpx/internal/ipc"
)

// A request is what a filter gets for a record with --protocol json.
type request struct {
	ID     uint64  `json:"id"`
	Record *string `json:"record,omitempty"`
	Base64 []byte  `json:"record_base64,omitempty"` // instead, if it is not UTF-8
}

// A reply is what it says of one. Output is a string, which stands as it is, or
// another value, which is printed as JSON.
type reply struct {
	ID     *uint64         `json:"id"`
	Exit   int32           `json:"exit"`
	Output json.RawMessage `json:"output"`
	Stderr string          `json:"stderr"`
}

func (r *filterRunner) sendObject(j *job) {
	record := j.Values.At(0)
	q := request{ID: j.Seq}
	if text := string(record); utf8.ValidString(text) {
		q.Record = &text
	} else {
		q.Base64 = record
	}
	b, err := json.Marshal(q)
	if err != nil {
		panic("bug: encode record: " + err.Error())
	}
	r.send(b, '\n')
}

// readObjects takes in the lines that stand in buf, which grows to the longest.
// The last n bytes are new.
func (r *filterRunner) readObjects(n int) {
	at := 0
	for seen := r.have - n; ; seen = at {
		i := bytes.IndexByte(r.buf[seen:r.have], '\n')
		if i < 0 {
			break
		}
		i += seen - at
		if line := bytes.TrimSpace(r.buf[at : at+i]); len(line) > 0 && r.copy.surplus == "" {
			r.answer(line)
		}
		at += i + 1
	}
	if r.have = copy(r.buf, r.buf[at:r.have]); r.have == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
}

// answer takes in one reply.
func (r *filterRunner) answer(line []byte) {
	p, i, err := r.parse(line)
	if err != nil {
		r.copy.surplus, r.copy.odd = string(line[:min(len(line), 100)]), err
		return
	}
	f := r.flight[i]
	r.flight = slices.Delete(r.flight, i, i+1)
	r.n--
	now := time.Now()
	d := ipc.Done{Seq: f.seq, Attempt: f.attempt, Exit: p.Exit, Timed: true, Start: r.since.UnixNano(), Elapsed: int64(now.Sub(r.since))}
	r.sendOut(f, 2, []byte(p.Stderr))
	text := p.text(r.delim)
	if len(text) > reserve {
		r.sendOut(f, 1, text)
	} else {
		d.Stdout = text
	}
	r.room(2 * reserve)
	r.s.done(&d)
	r.progress(now, 1, now.Sub(r.since))
}

// parse reads a reply, and finds which in flight it is to. An error says why it is
// none.
func (r *filterRunner) parse(line []byte) (p reply, i int, err error) {
	if err = json.Unmarshal(line, &p); err != nil {
		return p, 0, err
	}
	if p.ID == nil {
		return p, 0, errors.New("there is no id")
	}
	if i = slices.IndexFunc(r.flight, func(f sent) bool { return f.seq == *p.ID }); i < 0 {
		return p, 0, fmt.Errorf("no record %d %w", *p.ID, errUnasked)
	}
	return p, i, nil
}

// errUnasked is of a reply whose id is of no record in flight: it was answered twice, or
// ids are mixed up.
var errUnasked = errors.New("waits for a reply")

// text returns the output as a record.
func (p *reply) text(delim byte) []byte {
	var s string
	text := []byte(p.Output)
	switch {
	case len(text) == 0 || string(text) == "null":
		return nil
	case json.Unmarshal(text, &s) == nil:
		text = []byte(s)
	}
	if n := len(text); n > 0 && text[n-1] == delim {
		return text
	}
	return append(text, delim)
}

// sendOut commits data as what f wrote to stream.
func (r *filterRunner) sendOut(f sent, stream uint8, data []byte) {
	for len(data) > 0 && r.fault == nil {
		n := min(len(data), replyRoom)
		r.room(n + 2*reserve)
		o := ipc.Out{Seq: f.seq, Attempt: f.attempt, Stream: stream, Data: data[:n]}
		r.s.commit(o.Append)
		data = data[n:]
	}
}

// room makes room for n bytes in the outbox: the supervisor always reads.
func (r *filterRunner) room(n int) {
	if r.s.out.Room() < n {
		if err := r.s.drain(); err != nil && r.fault == nil {
			r.fault = err
		}
	}
}
