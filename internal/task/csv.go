package task

import (
	"bytes"
	"errors"
)

// CSV is read as RFC 4180 has it, strictly: a quote stands only around a whole
// field, or doubled inside one. encoding/csv would do but for two things: it
// turns \r\n inside a field into \n, and it skips empty records.
var (
	errBareQuote  = errors.New(`a quote inside a field that does not begin with one (write "a ""quoted"" word")`)
	errAfterQuote = errors.New("text between a field's closing quote and the separator")
	errOpenQuote  = errors.New("a quoted field is not closed")
)

// csvSplit ends records at newlines that no quotes enclose.
type csvSplit struct {
	comma  byte
	quoted bool // find stopped inside quotes
	broken bool // the record has a stray quote; it ends with its line
}

func (s *csvSplit) find(data []byte, from int) (end, next int) {
	if from == 0 {
		s.quoted, s.broken = false, false
	}
	for i := from; i < len(data); i++ {
		if s.quoted {
			j := bytes.IndexByte(data[i:], '"')
			if j < 0 {
				break
			}
			i += j
			s.quoted = false
			continue
		}
		switch data[i] {
		case '\n':
			return i, i + 1
		case '"':
			// Taking a stray quote for an opening one would swallow the lines
			// up to the next quote, perhaps all the input.
			s.broken = s.broken || !s.mayOpen(data, i)
			s.quoted = !s.broken
		}
	}
	return len(data), 0
}

// mayOpen tells whether a quote at data[i], outside quotes, begins a field or,
// after a closing quote, turns that into an escaped one.
func (s *csvSplit) mayOpen(data []byte, i int) bool {
	return i == 0 || data[i-1] == s.comma || data[i-1] == '"'
}

// csvColumns parts a record of CSV into its fields, quotes removed.
func csvColumns(comma byte) columns {
	return func(text []byte, p *packer) (err error) {
		text = bytes.TrimSuffix(text, []byte("\r"))
		for {
			if len(text) > 0 && text[0] == '"' {
				text, err = quotedField(text[1:], p)
			} else {
				text, err = plainField(text, comma, p)
			}
			switch {
			case err != nil:
				return err
			case len(text) == 0:
				return nil
			case text[0] != comma:
				return errAfterQuote
			}
			text = text[1:]
		}
	}
}

// plainField adds the field that text begins with and returns what follows it.
func plainField(text []byte, comma byte, p *packer) ([]byte, error) {
	field := text
	if i := bytes.IndexByte(text, comma); i >= 0 {
		field = text[:i]
	}
	if bytes.IndexByte(field, '"') >= 0 {
		return nil, errBareQuote
	}
	p.add(field)
	return text[len(field):], nil
}

// quotedField does the same for a field whose opening quote is before text.
func quotedField(text []byte, p *packer) ([]byte, error) {
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return nil, errOpenQuote
		}
		p.write(text[:i])
		text = text[i+1:]
		if len(text) == 0 || text[0] != '"' {
			p.end()
			return text, nil
		}
		p.write(text[:1])
		text = text[1:]
	}
}
