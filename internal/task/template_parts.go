package task

import (
	"bytes"
	"strconv"
)

// A part of a text is a placeholder or, with literal set, just its text.
type part struct {
	place
	literal bool
}

func literalPart(text string) part { return part{place{text: text}, true} }

// parts cuts text at its placeholders.
func (s *Spec) parts(text string) []part {
	var ps []part
	at := 0
	for _, p := range s.places(text) {
		if at < p.start {
			ps = append(ps, literalPart(text[at:p.start]))
		}
		ps = append(ps, part{place: p})
		at = p.end
	}
	if at < len(text) || len(ps) == 0 {
		ps = append(ps, literalPart(text[at:]))
	}
	return ps
}

// A filling is what placeholders are filled with.
type filling struct {
	task *Task
	slot int
	omit bool // -n 0: values are inserted nowhere
	// keep leaves {#} and {%} as they stand: the text then depends on the
	// task's values only, and names the task in the next run as well.
	keep bool
}

func (f *filling) appendParts(b []byte, ps []part) []byte {
	for i := range ps {
		if ps[i].literal {
			b = append(b, ps[i].text...)
		} else {
			b = f.appendPlace(b, &ps[i].place)
		}
	}
	return b
}

// appendPlace appends what stands for p. A form of several values is that form
// of each, joined by a space, as in GNU parallel.
func (f *filling) appendPlace(b []byte, p *place) []byte {
	switch {
	case p.origin != fromValues && f.keep:
		return append(b, p.text...)
	case p.origin == fromSeq:
		return strconv.AppendUint(b, f.task.Seq, 10)
	case p.origin == fromSlot:
		return strconv.AppendInt(b, int64(f.slot), 10)
	case f.omit:
		return b
	case p.col > 0:
		return f.appendValue(b, p.col-1, p.form)
	}
	for i := range f.task.Values.Len() {
		if i > 0 {
			b = append(b, ' ')
		}
		b = f.appendValue(b, i, p.form)
	}
	return b
}

// appendValue appends value i, counted from 0; a missing column is empty.
func (f *filling) appendValue(b []byte, i int, as form) []byte {
	if i >= f.task.Values.Len() {
		return b
	}
	v := f.task.Values.At(i)
	if as == formQuoted {
		return append(b, quoteCommand(string(v))...)
	}
	return append(b, as.of(v)...)
}

// of returns the form of v as GNU parallel has it, except that a newline is a
// byte like any other. It may alias v.
func (f form) of(v []byte) []byte {
	name := v[bytes.LastIndexByte(v, '/')+1:]
	switch f {
	case formNoExt:
		if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
			return v[:len(v)-len(name)+dot]
		}
	case formBase:
		return name
	case formDir:
		return dirOf(v)
	case formStem:
		if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
			return name[:dot]
		}
		return name
	}
	return v
}

// dirOf is dirname(1), as Perl's File::Basename has it.
func dirOf(v []byte) []byte {
	v = trimSlashes(v)
	i := bytes.LastIndexByte(v, '/')
	if i < 0 {
		return []byte{'.'}
	}
	return trimSlashes(v[:i+1])
}

// trimSlashes removes slashes from the end, but leaves one byte.
func trimSlashes(v []byte) []byte {
	for len(v) > 1 && v[len(v)-1] == '/' {
		v = v[:len(v)-1]
	}
	return v
}
