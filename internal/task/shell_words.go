package task

import "strings"

// A scanFrame is the command that is being read in one list of commands.
type scanFrame struct {
	words   []scanWord // of the command so far, without assignments and redirections
	word    scanWord   // the one being read
	inWord  bool
	target  bool // the next word is where a redirection goes
	pattern bool // not commands but a pattern or an array: no comments, no functions
	test    bool // within [[ … ]]
	cases   int  // how many case … in are open
}

// A scanWord is a word of a command.
type scanWord struct {
	start   int    // in the line
	text    []byte // without its quotes; expansions and placeholders as they stand
	escaped bool   // some of it was quoted: it is no keyword
	code    bool   // it holds a value as it came
	quoted  bool   // it holds a value quoted by {q}
}

func (s *shellScanner) startWord() {
	if f := s.frame; !f.inWord {
		f.inWord, f.word = true, scanWord{start: s.pos}
	}
}

// endWord ends the word before pos, if there is one.
func (s *shellScanner) endWord() {
	f := s.frame
	if !f.inWord {
		return
	}
	f.inWord = false
	s.tail, s.tailAt = tailWord, s.pos
	raw := s.src[f.word.start:s.pos]
	s.wholeWord(raw)
	switch {
	case f.target:
		f.target = false
	case len(f.words) == 0 && s.assignment(raw):
	case !f.word.escaped && !f.pattern && s.keyword(raw):
	default:
		f.words = append(f.words, f.word)
	}
}

// wholeWord marks a placeholder that is the word raw, in quotes or not, if it
// becomes a word for each value.
func (s *shellScanner) wholeWord(raw string) {
	n := len(s.spots) - 1
	if n < 0 || s.spots[n].start < s.frame.word.start || !s.spec.spreads(&s.spots[n].place) {
		return
	}
	p := &s.spots[n]
	if p.context <= inDouble && (raw == p.text || raw == "'"+p.text+"'" || raw == `"`+p.text+`"`) {
		p.words, p.context = true, inBare
		p.start, p.end = s.frame.word.start, s.pos
	}
}

// assignment reports whether raw sets a variable. A subscript is arithmetic.
func (s *shellScanner) assignment(raw string) bool {
	n := 0
	for n < len(raw) && isNameByte(raw[n]) {
		n++
	}
	if n == 0 || n == len(raw) || raw[0] >= '0' && raw[0] <= '9' {
		return false
	}
	if raw[n] == '[' {
		closing := strings.IndexByte(raw[n:], ']')
		if closing < 0 {
			return false
		}
		n += closing + 1
		for i := range s.spots {
			if p := &s.spots[i]; p.start > s.frame.word.start && p.start < s.frame.word.start+n {
				p.context = inArith
			}
		}
	}
	return strings.HasPrefix(raw[n:], "=") || strings.HasPrefix(raw[n:], "+=")
}

// keyword reports whether raw is a keyword where it stands, after which a
// command begins.
func (s *shellScanner) keyword(raw string) bool {
	f := s.frame
	if len(f.words) > 0 {
		return s.innerKeyword(raw)
	}
	switch raw {
	case "if", "then", "else", "elif", "while", "until", "do", "!", "{", "time",
		"fi", "done", "}":
	case "esac":
		f.cases = max(f.cases-1, 0)
	default:
		s.functions = s.functions || raw == "function"
		return false
	}
	s.tail, s.ending = tailKeyword, raw
	return true
}

// innerKeyword is keyword within a command.
func (s *shellScanner) innerKeyword(raw string) bool {
	f := s.frame
	switch first := string(f.words[0].text); {
	case first == "case" && raw == "in":
		f.cases++
	case first == "for" && raw == "do", first == "select" && raw == "do":
	case first == "function" && raw == "{":
	default:
		return false
	}
	f.words = nil
	s.tail, s.ending = tailKeyword, raw
	return true
}

// endCommand ends the command before pos.
func (s *shellScanner) endCommand() {
	s.endWord()
	s.guard()
	s.frame.words, s.frame.target = nil, false
}

// guard keeps values out of words that are code.
func (s *shellScanner) guard() {
	if s.err == nil {
		s.err = s.spec.guardCommand(s.frame.words, s.testing())
	}
}

// testing reports whether the command is [[ … that has not ended.
func (s *shellScanner) testing() bool {
	f := s.frame
	n := len(f.words)
	return f.test || n > 0 && string(f.words[0].text) == "[[" && string(f.words[n-1].text) != "]]"
}

// finish ends the line.
func (s *shellScanner) finish() {
	s.endWord()
	f := s.frame
	s.appendAt = -1
	switch {
	case s.lost:
		s.ending = "text that mpx cannot follow"
	case s.anyDoc:
		s.ending = "a here-document"
	case s.tail == tailComment:
		s.ending = "a comment"
	case s.tail == tailWord && len(f.words) > 0 && !f.target && f.cases == 0 && string(f.words[0].text) != "[[":
		s.appendAt = s.tailAt
	case s.tail == tailWord || s.ending == "":
		s.ending = "no command"
	}
	s.guard()
}
