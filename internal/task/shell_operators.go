package task

import "strings"

// A hereDoc is one whose body comes after the line.
type hereDoc struct {
	end    string
	tabs   bool // <<-: leading tabs do not count
	quoted bool // nothing in it is expanded
}

// ended notes that a token ended before pos.
func (s *shellScanner) ended(as scanTail) {
	s.tail, s.tailAt, s.ending = as, s.pos, s.src[s.pos-1:s.pos]
}

func (s *shellScanner) newline() {
	if len(s.docs) == 0 && strings.Trim(s.src[s.pos:], " \t\n") == "" && s.frame.cases == 0 && s.depth == 1 {
		s.endWord()
		s.pos = len(s.src)
		return
	}
	if s.testing() {
		s.endWord()
	} else {
		s.endCommand()
		s.tail = tailOperator
	}
	s.pos++
	s.bodies()
}

// bodies reads the here-documents that begin at pos.
func (s *shellScanner) bodies() {
	for _, d := range s.docs {
		end := s.bodyEnd(d)
		body := s.src[s.pos:end]
		for i := range len(body) {
			if !d.quoted && body[i] == '$' {
				s.refer(body[i+1:])
			}
		}
		s.refuse(end, inHereDoc)
	}
	s.docs = nil
}

// bodyEnd returns where the line after d's body begins.
func (s *shellScanner) bodyEnd(d hereDoc) int {
	for at := s.pos; at < len(s.src); {
		line, _, _ := strings.Cut(s.src[at:], "\n")
		at = min(at+len(line)+1, len(s.src))
		if d.tabs {
			line = strings.TrimLeft(line, "\t")
		}
		if line == d.end {
			return at
		}
		if !d.quoted && strings.HasSuffix(line, "\\") {
			s.lost = true // the next line belongs to this one
		}
	}
	return len(s.src)
}

// hash reads a comment, if # begins a word.
func (s *shellScanner) hash() {
	f := s.frame
	if f.inWord {
		s.char()
		return
	}
	// In a pattern, and after a parenthesis, some shells read it otherwise.
	if f.pattern || s.testing() || s.pos > 0 && s.src[s.pos-1] == '(' {
		s.lost = true
	}
	line, _, _ := strings.Cut(s.src[s.pos:], "\n")
	s.refuse(s.pos+len(line), inComment)
	s.ended(tailComment)
}

// operator reads one of ; & |.
func (s *shellScanner) operator() {
	s.endWord()
	if s.testing() {
		n := 1
		if rest := s.src[s.pos:]; strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||") {
			n = 2
		}
		s.symbol(s.src[s.pos : s.pos+n])
		return
	}
	s.endCommand()
	s.pos++
	s.ended(tailOperator)
}

// symbol records what stands for itself in [[ … ]].
func (s *shellScanner) symbol(text string) {
	s.frame.words = append(s.frame.words, scanWord{start: s.pos, text: []byte(text)})
	s.pos += len(text)
}

// redirect reads what begins with < or >.
func (s *shellScanner) redirect() {
	f := s.frame
	if f.inWord && isNumber(s.src[f.word.start:s.pos]) {
		f.inWord = false // a file descriptor
	}
	s.endWord()
	rest := s.src[s.pos:]
	n := 1
	if s.testing() && !strings.HasPrefix(rest, "<(") && !strings.HasPrefix(rest, ">(") {
		s.symbol(rest[:1])
		return
	}
	switch {
	case strings.HasPrefix(rest, "<<<"):
		n = 3
	case strings.HasPrefix(rest, "<<"):
		s.hereDoc()
		return
	case strings.HasPrefix(rest, "<("), strings.HasPrefix(rest, ">("):
		s.startWord()
		s.pos += 2
		s.list(')', nil)
		return
	case len(rest) > 1 && strings.IndexByte("<>&|", rest[1]) >= 0:
		n = 2
		if f.dup = rest[1] == '&' || strings.HasPrefix(rest, ">>&"); rest[1] != '&' && f.dup {
			n = 3
		}
	}
	s.pos += n
	f.target = true
	s.ended(tailOperator)
}

// hereDoc reads << and the word that will end the document.
func (s *shellScanner) hereDoc() {
	s.anyDoc = true
	i := s.pos + 2
	var d hereDoc
	if i < len(s.src) && s.src[i] == '-' {
		d.tabs = true
		i++
	}
	for i < len(s.src) && (s.src[i] == ' ' || s.src[i] == '\t') {
		i++
	}
	word := s.src[i:]
	if n := strings.IndexAny(word, " \t\n;&|<>()"); n >= 0 {
		word = word[:n]
	}
	d.end = strings.NewReplacer("'", "", `"`, "", `\`, "").Replace(word)
	d.quoted = d.end != word
	s.lost = s.lost || word == "" || strings.ContainsAny(word, "$`")
	s.docs = append(s.docs, d)
	s.refuse(i+len(word), inHereDoc)
	s.ended(tailOperator)
}

// openParen reads a subshell, a function's (), ((…)), an array or a pattern.
func (s *shellScanner) openParen() {
	f := s.frame
	rest := s.src[s.pos+1:]
	switch {
	case (f.inWord || len(f.words) > 0) && !s.testing() && strings.HasPrefix(strings.TrimLeft(rest, " \t"), ")"):
		s.functions = true
		s.unnamed()
		s.pos += 1 + strings.IndexByte(rest, ')') + 1
		f.inWord, f.words = false, nil
		s.ended(tailOperator)
	case f.inWord:
		s.parenWord()
	case strings.HasPrefix(rest, "("):
		s.pos += 2
		s.numbers()
		f.inWord = false
		s.ended(tailOperator)
	case s.testing():
		s.pos++
		s.list(')', &scanFrame{test: true})
	default:
		s.endCommand()
		s.pos++
		s.list(')', nil)
		s.ended(tailOperator)
	}
}

// unnamed refuses the placeholders of a function's name.
func (s *shellScanner) unnamed() {
	start := s.frame.word.start
	if len(s.frame.words) > 0 {
		start = s.frame.words[0].start
	}
	for i := range s.spots {
		if s.spots[i].start >= start {
			s.spots[i].context = inUnknown
		}
	}
}

// parenWord reads an array's elements, or a pattern in parentheses: what zsh may
// take for a glob's qualifiers, which can be code.
func (s *shellScanner) parenWord() {
	f := s.frame
	n := len(f.word.text)
	array := len(f.words) == 0 && n > 1 && f.word.text[n-1] == '=' && !f.word.escaped
	s.arrays = s.arrays || n > 0 && f.word.text[n-1] == '='
	if !array {
		s.parens++
		defer func() { s.parens-- }()
	}
	from := len(s.spots)
	s.raw(func() {
		s.pos++
		s.list(')', &scanFrame{pattern: true, test: s.testing()})
	})
	f.word.loose, f.word.pattern = true, true
	for i := from; i < len(s.spots); i++ {
		if !f.word.holds() {
			f.word.at = n
		}
		f.word.code = f.word.code || s.spots[i].origin == fromValues
	}
}

// pattern reads a ) that ends no list: a pattern of case … in ends there.
func (s *shellScanner) pattern() {
	s.endWord()
	s.lost = s.lost || s.frame.cases == 0
	s.frame.words, s.frame.target = nil, false
	s.pos++
	s.ended(tailOperator)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
