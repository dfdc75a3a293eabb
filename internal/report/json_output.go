package report

import (
	"encoding/base64"
	"fmt"
	"slices"
	"unicode/utf8"

	"mpx/internal/task"
)

// appendOutput appends output o after key, which lacks its closing quote. What
// spilled goes straight to stdout; b is then written before it.
func (r *Report) appendOutput(b []byte, seq uint64, key string, o *task.Output) ([]byte, error) {
	b = append(b, key...)
	if p, ok := o.Mem(); ok {
		return appendBytes(b, p), nil
	}
	var check utf8Checker
	if _, err := o.WriteTo(&check); err != nil && !check.bad {
		return append(b, `":null`...), fmt.Errorf("print task %d: %w", seq, err)
	}
	if check.valid() {
		_, _ = r.out.Write(append(b, `":"`...))
		err := copyTo(&escaper{w: &r.out}, &r.out, seq, o)
		return append(b[:0], '"'), err
	}
	_, _ = r.out.Write(append(b, `_base64":"`...))
	enc := base64.NewEncoder(base64.StdEncoding, &r.out)
	err := copyTo(enc, &r.out, seq, o)
	_ = enc.Close() // fails only as r.out does
	return append(b[:0], '"'), err
}

// appendBytes appends p after a key that lacks its closing quote: as text, or
// in base64 under the key with _base64.
func appendBytes(b, p []byte) []byte {
	if utf8.Valid(p) {
		b = appendEscaped(append(b, `":"`...), p)
	} else {
		b = base64.StdEncoding.AppendEncode(append(b, `_base64":"`...), p)
	}
	return append(b, '"')
}

// appendTexts is appendBytes for a list: all of it goes in base64 when a part
// does, so that readers need not tell which.
func appendTexts(b []byte, list []string) []byte {
	text := !slices.ContainsFunc(list, func(s string) bool { return !utf8.ValidString(s) })
	if !text {
		b = append(b, "_base64"...)
	}
	b = append(b, `":[`...)
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		if text {
			b = appendEscaped(b, s)
		} else {
			b = base64.StdEncoding.AppendEncode(b, []byte(s))
		}
		b = append(b, '"')
	}
	return append(b, ']')
}
