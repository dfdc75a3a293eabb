package task

import "strings"

// dollar reads an expansion, within double quotes or not.
func (s *shellScanner) dollar(double bool) {
	rest := s.src[s.pos+1:]
	switch {
	case strings.HasPrefix(rest, "(("):
		s.pos += 3
		s.numbers()
	case strings.HasPrefix(rest, "("):
		s.pos += 2
		s.list(')', nil)
	case strings.HasPrefix(rest, "{"):
		s.param(double)
	case strings.HasPrefix(rest, "["): // bash's old arithmetic, text in sh
		s.pos++
		s.lost = true
	case !double && strings.HasPrefix(rest, "'"):
		s.ansi()
	case !double && strings.HasPrefix(rest, `"`): // bash looks it up in a catalogue
		s.pos++
		s.frame.word.pattern = true
	default:
		s.variable(rest)
	}
}

// variable reads $name, $1, $@ and the like, or a lonely $.
func (s *shellScanner) variable(rest string) {
	s.refer(rest)
	s.pos++
	switch {
	case rest == "":
		return
	case strings.IndexByte("@*#?-$!0123456789", rest[0]) >= 0:
		s.pos++
	case isNameByte(rest[0]):
		// Only -I can put a placeholder into a name; at its start it is text.
		for s.pos++; s.pos < len(s.src) && isNameByte(s.src[s.pos]) && !s.at(); {
			s.pos++
		}
	case s.at():
		s.refuse(s.places[0].end, inDollar)
		return
	default:
		s.flagged(rest)
		return
	}
	s.varEnd = s.pos
	if strings.HasPrefix(s.src[s.pos:], "[") {
		s.frame.word.index = true
	}
}

// flagged refuses a placeholder behind $~, $= and the like: zsh reads ${…} there
// with what they say.
func (s *shellScanner) flagged(rest string) {
	flags := len(rest) - len(strings.TrimLeft(rest, "+~=^#"))
	s.at()
	if flags > 0 && len(s.places) > 0 && s.places[0].start == s.pos+flags {
		s.refuse(s.places[0].end, inDollar)
	}
}

// param reads ${…}.
func (s *shellScanner) param(double bool) {
	rest := s.src[s.pos+1:]
	s.refer(rest)
	if strings.HasPrefix(rest, "{ ") || strings.HasPrefix(rest, "{|") || strings.HasPrefix(rest, "{\n") {
		s.lost = true // a command in some shells
	}
	defer s.enter(inParam)()
	for s.pos += 2; s.pos < len(s.src); {
		if s.take(inParam) {
			continue
		}
		switch c := s.src[s.pos]; {
		case c == '}':
			s.pos++
			return
		case c == '\\':
			s.pos = min(s.pos+2, len(s.src))
		case c == '\'' && !double:
			s.skipSingle(inParam)
		case c == '\'' || c == '{':
			s.lost = true // shells disagree about quotes here, and about braces
			s.pos++
		default:
			s.inner(c)
		}
	}
	s.lost = true
}

// enter says what surrounds pos and all quotes until the returned function is
// called.
func (s *shellScanner) enter(c quoteContext) func() {
	outer := s.within
	s.within = c
	return func() { s.within = outer }
}

// inner reads a byte, or what it begins, within ${…} or arithmetic.
func (s *shellScanner) inner(c byte) {
	switch c {
	case '"':
		s.double()
	case '$':
		s.dollar(true)
	case '`':
		s.backquotes()
	default:
		s.pos++
	}
}

func (s *shellScanner) skipSingle(c quoteContext) {
	n := strings.IndexByte(s.src[s.pos+1:], '\'')
	if n < 0 {
		s.lost = true
		n = len(s.src)
	}
	s.refuse(s.pos+n+2, c)
}

// ansi reads $'…', where a backslash keeps a quote from closing in bash but
// not in sh.
func (s *shellScanner) ansi() {
	s.frame.word.escaped, s.frame.word.pattern = true, true
	for i := s.pos + 2; i < len(s.src); i++ {
		switch s.src[i] {
		case '\'':
			s.refuse(i+1, inAnsi)
			return
		case '\\':
			i++
			s.lost = s.lost || i < len(s.src) && s.src[i] == '\''
		}
	}
	s.refuse(len(s.src), inAnsi)
	s.lost = true
}

// numbers reads from behind (( to the matching )).
func (s *shellScanner) numbers() {
	defer s.enter(inArith)()
	s.arithmetic = true
	for depth := 2; s.pos < len(s.src); {
		if s.take(inArith) {
			continue
		}
		switch c := s.src[s.pos]; c {
		case '(':
			depth++
			s.pos++
		case ')':
			depth--
			s.pos++
			if depth == 0 {
				return
			}
			if depth == 1 && !strings.HasPrefix(s.src[s.pos:], ")") {
				s.lost = true // it was ( (…) … ) then
			}
		case '\'':
			s.lost = true
			s.pos++
		case '\\':
			s.pos = min(s.pos+2, len(s.src))
		case '#':
			s.lost = s.lost || strings.IndexByte(" \t\n", s.src[s.pos-1]) >= 0
			s.pos++
		default:
			s.inner(c)
		}
	}
	s.lost = true
}

// refersToArgs reports whether the text after a $ names arguments.
func refersToArgs(rest string) bool {
	if strings.HasPrefix(rest, "{") {
		rest = strings.TrimLeft(rest[1:], "#!")
	}
	return rest != "" && strings.IndexByte("123456789@*", rest[0]) >= 0
}
