package task

import "strings"

// A spot is a placeholder in a shell line.
type spot struct {
	place
	context quoteContext
	// apart says that text in its place needs quotes of its own: after $name,
	// which it must not lengthen, and in [[ … ]], where they make it no pattern.
	apart bool
	words bool // it is a word, to become a word for every value
	// unsafe are the shells that would read a value there as code, and unsafeAs
	// where it stands for them.
	unsafe   shellSet
	unsafeAs quoteContext
}

// A shellScan is what is known of a shell line.
type shellScan struct {
	spots      []spot
	commands   []shellCommand
	sets       []string // variables that get what a placeholder stands for
	arithmetic bool     // it has (( … )) or $(( … ))
	arrays     bool     // it has name=( … )
	uses       argUse
	positional bool // it uses $1 … $9, $@ or $*
	functions  bool // it defines functions, in which $@ is another
	// appendAt is where a last argument can be put; if nowhere, ending says
	// what the line ends in.
	appendAt int
	ending   string
}

// shellScanner reads a shell line from left to right. It knows as much of the
// shell's grammar as tells quotes from text and where a command ends. Values
// never become part of the script, so a mistake made here could not run them;
// where shells disagree or text is too intricate it gives up (lost), and all
// placeholders from there on are refused.
type shellScanner struct {
	shellScan
	src    string
	pos    int
	spec   *Spec
	places []place // those still to come
	lost   bool
	within quoteContext // inArith or inParam: what surrounds pos and its quotes
	depth  int          // of command lists
	frame  *scanFrame
	docs   []hereDoc
	anyDoc bool
	parens int // of a pattern, which pos stands in
	varEnd int // where the last $name ended
	tail   scanTail
	tailAt int // where the last token ended
}

// scanTail is the kind of the last token.
type scanTail uint8

const (
	tailNone scanTail = iota
	tailWord
	tailKeyword
	tailOperator
	tailComment
)

// scanShell reads line, which has its placeholders, those of spec, at places.
func scanShell(line string, spec *Spec, places []place) *shellScan {
	s := &shellScanner{src: line, spec: spec, places: places}
	s.list(0, nil)
	// zsh's arithmetic names its arguments without a $.
	s.uses.all = s.uses.all || s.lost || strings.Contains(line, "argv") || strings.Contains(line, "ARGC") || strings.Contains(line, "BASH_ARG")
	return &s.shellScan
}

const maxDepth = 100 // of nested command lists, lest the stack grow

// list reads commands up to closer, which is ')' or 0 for the end of the
// line. f is the frame to begin with, nil for an empty one.
func (s *shellScanner) list(closer byte, f *scanFrame) {
	if f == nil {
		f = &scanFrame{}
	}
	outer, within := s.frame, s.within
	s.frame, s.within = f, inBare
	s.depth++
	s.lost = s.lost || s.depth > maxDepth
	for s.pos < len(s.src) && !(closer == ')' && s.closes()) && s.depth <= maxDepth {
		s.command()
	}
	s.depth--
	if closer == 0 {
		s.finish()
	} else {
		s.endCommand()
		s.lost = s.lost || s.pos == len(s.src) || len(s.docs) > 0
		s.pos = min(s.pos+1, len(s.src))
	}
	s.frame, s.within = outer, within
}

// closes reports whether a ) at pos ends the frame; in case … in it may also
// end a pattern.
func (s *shellScanner) closes() bool {
	if s.src[s.pos] != ')' || s.at() {
		return false
	}
	s.endWord() // it may be esac
	return s.frame.cases == 0
}

// command reads one token or a byte of it.
func (s *shellScanner) command() {
	if s.take(inBare) {
		return
	}
	switch c := s.src[s.pos]; c {
	case '*', '?', '[', '{':
		s.char()
		s.frame.word.loose, s.frame.word.pattern = true, true
	case '~':
		s.home()
	case '/':
		s.char()
		s.frame.word.tilde = false
	case ' ', '\t':
		s.endWord()
		s.pos++
	case '\n':
		s.newline()
	case '#':
		s.hash()
	case '\\':
		s.backslash()
	case '\'', '"', '`', '$':
		s.startWord()
		s.expansion(c)
	case ';', '&', '|':
		s.operator()
	case '<', '>':
		s.redirect()
	case '(':
		s.openParen()
	case ')':
		s.pattern()
	default:
		s.char()
	}
}

// at reports whether a placeholder starts at pos. Those that lie behind have
// become text.
func (s *shellScanner) at() bool {
	for len(s.places) > 0 && s.places[0].start < s.pos {
		s.places = s.places[1:]
	}
	return len(s.places) > 0 && s.places[0].start == s.pos
}

// take records a placeholder at pos, if there is one.
func (s *shellScanner) take(c quoteContext) bool {
	if !s.at() {
		return false
	}
	if s.within != inBare {
		c = s.within
	}
	s.startWord()
	p := s.places[0]
	w := &s.frame.word
	if p.origin == fromValues {
		c = s.place(c)
	}
	s.record(c)
	w.hold(&p)
	w.text = append(w.text, p.text...)
	s.pos = p.end
	return true
}

// place returns where a value stands that would be in c but for what is before
// it in its word.
func (s *shellScanner) place(c quoteContext) quoteContext {
	switch f := s.frame; {
	case f.target && f.dup:
		return inDup
	case f.word.tilde:
		return inTilde
	case f.pattern && !f.test && len(f.word.text) > 0 && f.word.text[0] == '[':
		return inSubscript // of an array's element
	}
	return c
}

func (s *shellScanner) record(c quoteContext) {
	p := s.places[0]
	if s.lost {
		c = inUnknown
	}
	sp := spot{place: p, context: c, apart: s.testing() || s.varEnd == p.start && p.start > 0}
	if f := s.frame; f != nil && p.origin == fromValues {
		switch {
		case f.inWord && f.word.index:
			sp.unsafe, sp.unsafeAs = inZsh|inOther, inSubscript
		case f.inWord && string(f.word.text) == "=":
			sp.unsafe, sp.unsafeAs = inZsh|inOther, inEquals
		case s.parens > 0:
			sp.unsafe, sp.unsafeAs = inZsh|inOther, inParens
		}
	}
	s.spots = append(s.spots, sp)
	s.places = s.places[1:]
}

// refuse moves to end and records the placeholders before it.
func (s *shellScanner) refuse(end int, c quoteContext) {
	for s.at(); len(s.places) > 0 && s.places[0].start < end; {
		s.record(c)
	}
	s.pos = min(end, len(s.src))
}

// char reads one byte of a word.
func (s *shellScanner) char() {
	s.startWord()
	s.frame.word.text = append(s.frame.word.text, s.src[s.pos])
	s.pos++
}

// home reads a ~, before which a home directory's name may begin.
func (s *shellScanner) home() {
	s.char()
	w := &s.frame.word
	n := len(w.text) - 2
	w.open = true
	w.tilde = w.tilde || n < 0 || w.text[n] == '=' || w.text[n] == ':'
}

func (s *shellScanner) backslash() {
	if strings.HasPrefix(s.src[s.pos:], "\\\n") {
		s.pos += 2
		return
	}
	s.startWord()
	s.pos++
	if s.pos == len(s.src) {
		s.lost = true
		return
	}
	s.frame.word.escaped = true
	s.char()
}
