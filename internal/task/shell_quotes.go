package task

import "strings"

// expansion reads what begins with c, a quote or a $.
func (s *shellScanner) expansion(c byte) {
	switch c {
	case '\'':
		s.frame.word.escaped = true
		s.single()
	case '"':
		s.frame.word.escaped = true
		s.double()
	case '`':
		s.frame.word.loose = true
		s.raw(s.backquotes)
	case '$':
		s.frame.word.loose = true
		s.raw(func() { s.dollar(false) })
	}
}

// raw reads an expansion, which stands for itself in the word's text.
func (s *shellScanner) raw(read func()) {
	w := &s.frame.word
	from, n := s.pos, len(w.text)
	w.open = true
	w.loose = w.loose || strings.HasPrefix(s.src[from:], "$@") || strings.HasPrefix(s.src[from:], "${")
	read()
	w.text = append(w.text[:n], s.src[from:s.pos]...)
}

func (s *shellScanner) single() {
	for s.pos++; s.pos < len(s.src); {
		switch {
		case s.take(inSingle):
		case s.src[s.pos] == '\'':
			s.pos++
			return
		default:
			s.char()
		}
	}
	s.lost = true
}

func (s *shellScanner) double() {
	for s.pos++; s.pos < len(s.src); {
		if s.take(inDouble) {
			continue
		}
		switch s.src[s.pos] {
		case '"':
			s.pos++
			return
		case '\\':
			s.escaped()
		case '$':
			s.raw(func() { s.dollar(true) })
		case '`':
			s.raw(s.backquotes)
		default:
			s.char()
		}
	}
	s.lost = true
}

// escaped reads a backslash between double quotes. Before a placeholder it
// could be meant for either side, so that is refused.
func (s *shellScanner) escaped() {
	s.pos++
	switch {
	case s.pos == len(s.src):
	case s.at():
		s.refuse(s.places[0].end, inEscape)
	case strings.IndexByte("$`\"\\", s.src[s.pos]) >= 0:
		s.char()
	case s.src[s.pos] == '\n':
		s.pos++
	default:
		s.frame.word.text = append(s.frame.word.text, '\\')
		s.char()
	}
}

// backquotes reads `…`. Its text is a script of its own with one level of
// backslashes taken off; all that matters of it is whether it uses arguments.
func (s *shellScanner) backquotes() {
	var script []byte
	for i := s.pos + 1; i < len(s.src); i++ {
		switch c := s.src[i]; {
		case c == '`':
			if s.depth < maxDepth {
				sub := shellScanner{src: string(script), spec: s.spec, depth: s.depth}
				sub.list(0, nil)
				s.positional = s.positional || sub.positional
				s.uses.merge(&sub.uses)
				s.uses.all = s.uses.all || sub.lost
			}
			s.refuse(i+1, inBackquotes)
			return
		case c == '\\' && i+1 < len(s.src) && strings.IndexByte("$`\\", s.src[i+1]) >= 0:
			i++
			script = append(script, s.src[i])
		default:
			script = append(script, c)
		}
	}
	s.refuse(len(s.src), inBackquotes)
	s.lost = true
}
