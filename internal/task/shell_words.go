package task

import (
	"slices"
	"strings"
)

// A scanFrame is the command that is being read in one list of commands.
type scanFrame struct {
	words   []scanWord // of the command so far, without assignments and redirections
	word    scanWord   // the one being read
	inWord  bool
	target  bool // the next word is where a redirection goes
	dup     bool // it is behind >& or <&, which bash expands twice
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
	at      int    // where in text its first value stands, when it holds one
	many    bool   // it is a placeholder that becomes a word for each value
	open    bool   // it holds an expansion: nobody knows its text
	loose   bool   // nobody knows how many words it becomes
	pattern bool   // it holds a pattern, a brace expansion or $'…': as a command's name it may be any
	tilde   bool   // what has been read of it ends in ~ and a name
	index   bool   // zsh reads what follows as a subscript of a variable
}

// holds reports whether a value stands in w, quoted for a shell or not.
func (w scanWord) holds() bool { return w.code || w.quoted }

// is reports whether w is text and nothing else.
func (w *scanWord) is(text string) bool { return !w.open && !w.holds() && string(w.text) == text }

// hold notes a placeholder whose text is added next.
func (w *scanWord) hold(p *place) {
	if p.origin != fromValues {
		return
	}
	if !w.holds() {
		w.at = len(w.text)
	}
	w.code = w.code || p.code()
	w.quoted = w.quoted || p.form == formQuoted
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
	switch raw {
	case "[", "[[", "{", "=~":
		f.word.loose, f.word.pattern, f.word.open = false, false, false
	}
	s.lost = s.lost || f.pattern && strings.HasPrefix(raw, "[") && strings.Count(raw, "[") != strings.Count(raw, "]")
	switch {
	case f.target:
		f.target, f.dup = false, false
	case len(f.words) == 0 && !f.pattern && s.assignment(raw):
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
		s.frame.word.many, s.frame.word.loose = true, true
		p.start, p.end = s.frame.word.start, s.pos
	}
}

// assignment reports whether raw sets a variable. A subscript is arithmetic; it
// goes on to the ] that belongs to it, across blanks, too.
func (s *shellScanner) assignment(raw string) bool {
	w := &s.frame.word
	n := 0
	for n < len(raw) && isNameByte(raw[n]) {
		n++
	}
	if n == 0 || n == len(raw) || raw[0] >= '0' && raw[0] <= '9' {
		return false
	}
	name := raw[:n]
	if raw[n] == '[' {
		closing := strings.LastIndexByte(raw, ']')
		if closing < n || strings.Count(raw, "[") != strings.Count(raw, "]") {
			s.lost = s.lost || !w.escaped || w.holds()
			closing = len(raw) - 1
		}
		n = closing + 1
		for i := range s.spots {
			if p := &s.spots[i]; p.start > w.start && p.start < w.start+n {
				p.context = inSubscript
			}
		}
	}
	if !strings.HasPrefix(raw[n:], "=") && !strings.HasPrefix(raw[n:], "+=") {
		return false
	}
	if w.holds() {
		s.sets = append(s.sets, name)
	}
	return true
}

// keyword reports whether raw is a keyword where it stands, after which a
// command begins.
func (s *shellScanner) keyword(raw string) bool {
	f := s.frame
	if len(f.words) > 0 {
		return s.innerKeyword(raw)
	}
	if f.word.holds() {
		return false
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
	s.keep()
	s.tail, s.ending = tailKeyword, raw
	return true
}

// endCommand ends the command before pos.
func (s *shellScanner) endCommand() {
	s.endWord()
	s.keep()
	s.frame.target, s.frame.dup = false, false
}

// keep records the command that has been read.
func (s *shellScanner) keep() {
	f := s.frame
	if len(f.words) > 0 && !f.pattern {
		s.commands = append(s.commands, shellCommand{f.words, f.test})
		s.uses.command(f.words)
		if name := string(f.words[0].text); (name == "for" || name == "select") && len(f.words) > 3 && slices.ContainsFunc(f.words[2:], scanWord.holds) {
			s.sets = append(s.sets, string(f.words[1].text))
		}
	}
	f.words = nil
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
	s.keep()
}
