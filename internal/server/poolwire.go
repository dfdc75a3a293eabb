package server

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// What a message of PROTOCOL.md is made of. It is not JSON: to make ready to read that
// takes a client as long as all else that it does.

const (
	headerMost  = 64 << 10
	messageMost = 64 << 20
	pieceSize   = 64 << 10
)

var errHeader = errors.New("message with a header that makes no sense")

// cutHeader cuts a message into the words of its header, one at least, and its body.
func cutHeader(message []byte) (words []string, body []byte, err error) {
	n := bytes.IndexByte(message[:min(len(message), headerMost)], '\n')
	if n <= 0 || message[0] == ' ' {
		return nil, nil, errHeader
	}
	return strings.Split(string(message[:n]), " "), message[n+1:], nil
}

// numbers returns the first n of words as numbers. More may follow, of a later version.
func numbers(words []string, n int) (out []int64, err error) {
	if len(words) < n {
		return nil, errHeader
	}
	for _, word := range words[:n] {
		i, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, errHeader
		}
		out = append(out, i)
	}
	return out, nil
}

// cutText cuts a text of n bytes from what follows.
func cutText(text []byte, n int64) (first, rest string, err error) {
	if n < 0 || n > int64(len(text)) {
		return "", "", errHeader
	}
	return string(text[:n]), string(text[n:]), nil
}
