package task

import (
	"strconv"
	"strings"
)

// origin is where a placeholder's text comes from.
type origin uint8

const (
	fromValues origin = iota
	fromSeq           // {#}
	fromSlot          // {%}
)

// form is what a placeholder makes of a value.
type form uint8

const (
	formAsIs   form = iota
	formNoExt       // {.}
	formBase        // {/}
	formDir         // {//}
	formStem        // {/.}
	formQuoted      // {q}
)

// A placeKey says what a placeholder stands for.
type placeKey struct {
	origin origin
	col    int // the value's number from 1; 0: all values, joined by a space
	form   form
}

// code reports whether k's text may be anything, so that a shell must not read
// it as code: quoted text is made to be read, and numbers are harmless.
func (k placeKey) code() bool { return k.origin == fromValues && k.form != formQuoted }

// A place is a placeholder in a text.
type place struct {
	placeKey
	start, end int // in the text
	text       string
}

// places returns the placeholders of text in order.
func (s *Spec) places(text string) []place {
	if s.Replace != "" {
		return s.replaced(text)
	}
	var found []place
	last := strings.LastIndexByte(text, '}')
	for i := 0; i < last; i++ {
		switch {
		case text[i] != '{':
		case strings.HasPrefix(text[i:], "{{"):
			// {{ … }} belongs to other template languages.
			if n := strings.Index(text[i:], "}}"); n >= 0 {
				i += n + 1
			}
		case i > 0 && text[i-1] == '$': // ${…} belongs to shells
		default:
			if k, n := s.parse(text[i:]); n > 0 {
				found = append(found, place{k, i, i + n, text[i : i+n]})
				i += n - 1
			}
		}
	}
	return found
}

// replaced returns where the text of -I stands.
func (s *Spec) replaced(text string) []place {
	var found []place
	for i := 0; ; {
		n := strings.Index(text[i:], s.Replace)
		if n < 0 {
			return found
		}
		i += n
		end := i + len(s.Replace)
		if text[i] != '{' || i == 0 || text[i-1] != '$' {
			found = append(found, place{placeKey{}, i, end, s.Replace})
		}
		i = end
	}
}

// parse reads the placeholder that text begins with and returns its length, 0
// if there is none. What mpx itself defines comes before column names, so that
// a command does not change its meaning with the header of its input.
func (s *Spec) parse(text string) (placeKey, int) {
	n := strings.IndexByte(text, '}')
	if n < 0 {
		return placeKey{}, 0
	}
	body := text[1:n]
	switch body {
	case "#":
		return placeKey{origin: fromSeq}, n + 1
	case "%":
		return placeKey{origin: fromSlot}, n + 1
	}
	if f, ok := formOf(body); ok {
		return placeKey{form: f}, n + 1
	}
	if col, f, ok := s.column(body); ok {
		return placeKey{col: col, form: f}, n + 1
	}
	return s.name(text)
}

// column reads {N}, {N.} and so on. A number that no task can have a value for
// is text: it is an interval of a regular expression then.
func (s *Spec) column(body string) (int, form, bool) {
	digits := 0
	for digits < len(body) && body[digits] >= '0' && body[digits] <= '9' {
		digits++
	}
	f, ok := formOf(body[digits:])
	if !ok || digits == 0 || digits > 9 || body[0] == '0' {
		return 0, 0, false
	}
	col, err := strconv.Atoi(body[:digits])
	known := s.Columns
	if !s.MultiValue && !s.Many {
		known = max(known, 1)
	}
	return col, f, err == nil && (known == 0 || col <= known)
}

// name reads {name}, {name.} and so on. An exact name wins over a shorter one
// with a suffix, and of equal names the first.
func (s *Spec) name(text string) (placeKey, int) {
	for _, suffix := range []string{"", ".", "/", "//", "/.", "q"} {
		best, col := 0, 0
		for i, name := range s.Names {
			if name != "" && len(name) > best && strings.HasPrefix(text[1:], name+suffix+"}") {
				best, col = len(name), i+1
			}
		}
		if best > 0 {
			f, _ := formOf(suffix)
			return placeKey{col: col, form: f}, best + len(suffix) + 2
		}
	}
	return placeKey{}, 0
}

func formOf(suffix string) (form, bool) {
	switch suffix {
	case "":
		return formAsIs, true
	case ".":
		return formNoExt, true
	case "/":
		return formBase, true
	case "//":
		return formDir, true
	case "/.":
		return formStem, true
	case "q":
		return formQuoted, true
	}
	return 0, false
}

// first returns the placeholder of the first value in p's form, to be named as
// a remedy: {1.} for {.}.
func (p place) first() string {
	return "{1" + strings.TrimPrefix(p.text, "{")
}

// usesValues reports whether any of ps stands for values.
func usesValues(ps []place) bool {
	for _, p := range ps {
		if p.origin == fromValues {
			return true
		}
	}
	return false
}
