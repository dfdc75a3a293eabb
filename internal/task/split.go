package task

import "bytes"

// A record is one piece of input: raw as it was read, of which the first n
// bytes are the record itself and the rest is its delimiter. Only the last
// record of an input may be without one.
type record struct {
	raw []byte
	n   int
}

// text returns the record without its delimiter. Appending to it copies, so
// no holder can write into its neighbour.
func (r record) text() []byte { return r.raw[:r.n:r.n] }

// A splitter finds where records end. data begins with a record, of which the
// first from bytes are known to hold no delimiter. find returns the length of
// the record and where the next one begins; if data has no delimiter yet,
// next is 0 and end is the from of the next call, when data has grown.
type splitter interface {
	find(data []byte, from int) (end, next int)
}

// byteSplit ends records at a single byte.
type byteSplit byte

func (s byteSplit) find(data []byte, from int) (end, next int) {
	i := bytes.IndexByte(data[from:], byte(s))
	if i < 0 {
		return len(data), 0
	}
	return from + i, from + i + 1
}

// textSplit ends records at a delimiter of several bytes.
type textSplit []byte

func (s textSplit) find(data []byte, from int) (end, next int) {
	i := bytes.Index(data[from:], s)
	if i < 0 {
		// The delimiter may have begun: its last byte is not here.
		return max(from, len(data)-len(s)+1), 0
	}
	return from + i, from + i + len(s)
}

// columns parts the text of a record into values, which it adds to p.
type columns func(text []byte, p *packer) error

// blankColumns parts as awk does: runs of blanks and tabs stand between
// values, those at either end count for nothing. A record of blanks alone is
// one empty value, as every record has a value.
func blankColumns(text []byte, p *packer) error {
	for n := 0; ; n++ {
		start := 0
		for start < len(text) && isBlank(text[start]) {
			start++
		}
		if start == len(text) && n > 0 {
			return nil
		}
		end := start
		for end < len(text) && !isBlank(text[end]) {
			end++
		}
		p.add(text[start:end])
		text = text[end:]
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// textColumns parts at each sep; two in a row have an empty value between.
func textColumns(sep []byte) columns {
	return func(text []byte, p *packer) error {
		for {
			i := bytes.Index(text, sep)
			if i < 0 {
				p.add(text)
				return nil
			}
			p.add(text[:i])
			text = text[i+len(sep):]
		}
	}
}

func allBlank(text []byte) bool {
	for _, c := range text {
		if !isBlank(c) {
			return false
		}
	}
	return true
}
