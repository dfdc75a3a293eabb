package server

import "strconv"

// The first words of requests.
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
)

// A request is what a client wants.
type request struct {
	Do     string
	Sizes  []int  // apply, submit: of the values, which are the body
	Wait   int64  // get, wait, join: ns; negative: for ever
	Ticket string // get, wait, ready, successful: the body
}

// encode encodes r; values are those of apply and submit.
func (r *request) encode(values []byte) []byte {
	b := append(make([]byte, 0, 64+len(values)), r.Do...)
	switch r.Do {
	case doApply, doSubmit:
		for _, n := range r.Sizes {
			b = strconv.AppendInt(append(b, ' '), int64(n), 10)
		}
	case doGet, doWait, doJoin:
		b = strconv.AppendInt(append(b, ' '), r.Wait, 10)
	}
	return append(append(append(b, '\n'), r.Ticket...), values...)
}

// decodeRequest decodes a request. Of one that it does not know it tells the first word.
func decodeRequest(message []byte) (r request, body []byte, err error) {
	words, body, err := cutHeader(message)
	if err != nil {
		return r, nil, err
	}
	r.Do, words = words[0], words[1:]
	var n []int64
	switch r.Do {
	case doApply, doSubmit:
		n, err = numbers(words, len(words))
		for _, size := range n {
			r.Sizes = append(r.Sizes, int(size))
		}
		return r, body, err
	case doGet, doWait, doJoin:
		if n, err = numbers(words, 1); err == nil {
			r.Wait = n[0]
		}
	}
	r.Ticket = string(body)
	return r, body, err
}
