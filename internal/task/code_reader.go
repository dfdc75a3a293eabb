package task

import (
	"bytes"
	"slices"
	"strings"
)

// A codeReader goes through the words of an interpreter's command as the
// interpreter does.
type codeReader struct {
	*interpreter
	words    []scanWord
	at       int  // the word that is read
	sure     bool // the interpreter does run
	options  bool // an option may come
	operands int  // read so far
	inFile   bool // an option has said where the code is instead
	done     bool // what follows belongs to the code
	found    []scanWord
}

// word reads one word.
func (r *codeReader) word(w *scanWord) {
	text := string(w.text)
	switch {
	case r.end != "" && strings.HasPrefix(text, r.end):
		r.done = true
	case slices.Contains(r.long, text):
		r.take()
	case r.options && slices.Contains(r.longTakes, text):
		r.at++
	case r.options && text == "--":
		r.options = r.anywhere
	case r.options && strings.HasPrefix(text, "--"):
		r.longOption(w, text)
	case r.options && len(text) > 1 && text[0] == '-' && !(w.holds() && w.at == 0):
		r.letters(w, text)
	default:
		r.operand(w)
	}
}

// take reads the next word as code.
func (r *codeReader) take() {
	if r.at++; r.at < len(r.words) {
		r.found = append(r.found, r.words[r.at])
	}
}

// longOption reads the option text, which w is.
func (r *codeReader) longOption(w *scanWord, text string) {
	name, _, ok := strings.Cut(text, "=")
	switch isCode := abbreviates(name, r.long); {
	case ok && isCode:
		r.found = append(r.found, *w)
	case isCode:
		r.take()
	case !ok && (abbreviates(name, r.longTakes) || r.longMayTake && r.nextIsWord()):
		r.at++
	}
	if name == "--file" || name == "--exec" || name == "--user" {
		r.elsewhere()
	}
}

// abbreviates reports whether name, which begins with --, is one of options, or the
// beginning of one, as getopt_long has it.
func abbreviates(name string, options []string) bool {
	return len(name) > 2 && slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, name) })
}

// nextIsWord reports whether a word follows that is no option.
func (r *codeReader) nextIsWord() bool {
	return r.at+1 < len(r.words) && !strings.HasPrefix(string(r.words[r.at+1].text), "-")
}

// elsewhere notes that no operand is code; su's and runuser's -u has them run
// their words.
func (r *codeReader) elsewhere() {
	r.inFile = r.inFile || r.file != ""
	r.done = r.inFile && r.anywhere
}

// letters reads the word w, which is text: options of one letter.
func (r *codeReader) letters(w *scanWord, text string) {
	for k := 1; k < len(text) && !r.done; k++ {
		c, final := text[k], k == len(text)-1
		has := func(letters string) bool { return strings.IndexByte(letters, c) >= 0 }
		if has(r.file) {
			r.elsewhere()
		}
		switch {
		case has(r.code):
			if final && !has("Mm") {
				r.take()
			} else {
				r.found = append(r.found, *w)
			}
			r.done = has(r.last)
			return
		case has(r.takes):
			r.value(c, w, final)
			r.done = r.done || has(r.last)
			return
		case has("l0") && has(r.rest): // digits, then further letters
		case has(r.rest):
			return
		}
	}
}

// value reads what belongs to the option c: the rest of its word w, or the next.
// Some of ssh's -o are commands.
func (r *codeReader) value(c byte, w *scanWord, next bool) {
	if next {
		if r.at++; r.at == len(r.words) {
			return
		}
		w = &r.words[r.at]
	}
	if c != 'o' || r.interpreter != &asSSH || !w.holds() {
		return
	}
	key, _, ok := strings.Cut(string(w.text[:w.at]), "=")
	if !ok || strings.HasSuffix(strings.ToLower(strings.TrimSpace(key)), "command") {
		r.found = append(r.found, *w)
	}
}

// command reads w, a word of mpx's own words: behind its verb and flags, alone and
// of several words itself, it is a shell line.
func (r *codeReader) command(w *scanWord) {
	pool := r.words[1].is("pool")
	verb := r.operands == 1 || r.operands < 4 && pool
	switch {
	case r.words[1].is("cond"):
		return
	case !pool && !r.words[1].is("map") && !r.words[1].is("bench"):
		r.done = true
		return
	}
	before := string(r.words[r.at-1].text)
	if verb || strings.HasPrefix(before, "-") && !bytes.ContainsAny(w.text, " \t\n|;&") {
		return // or perhaps a flag's value
	}
	r.done = true
	alone := r.at == len(r.words)-1 || strings.HasPrefix(string(r.words[r.at+1].text), ":::")
	if alone && bytes.ContainsAny(w.text, " \t\n|;&") {
		r.found = append(r.found, *w)
	}
}

// operand reads a word that is no option.
func (r *codeReader) operand(w *scanWord) {
	r.operands++
	host := r.first == 2 && r.operands == 1 // ssh reads options behind it, too
	r.options = r.options && (r.anywhere || r.lines) || host
	if r.lines {
		r.command(w)
		return
	}
	if r.behindFile {
		r.done = true
		if next := r.words[r.at+1:]; len(next) > 0 && (next[0].is("-c") || next[0].is("--command")) {
			r.at++
			r.take()
		}
		return
	}
	isCode := r.operands == r.first || r.operands > r.first && r.all
	if isCode && r.first > 0 && r.sure && !r.inFile && (r.all || len(r.found) == 0) {
		r.found = append(r.found, *w)
	}
	r.done = !r.options && !r.all && (!r.sure || r.operands >= r.first)
}
