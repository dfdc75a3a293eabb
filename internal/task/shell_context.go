package task

import (
	"fmt"
	"strconv"
)

// A quoteContext is where in a shell line a placeholder stands.
type quoteContext uint8

const (
	inBare   quoteContext = iota // outside of quotes
	inSingle                     // '…'
	inDouble                     // "…"
	inArith                      // $((…)) or ((…)): numbers only
	// In the others no placeholder can stand.
	inBackquotes
	inComment
	inHereDoc
	inParam  // ${…}
	inAnsi   // $'…'
	inEscape // after a backslash between double quotes
	inDollar // after a $
	inDup
	inTilde
	inSubscript
	inEquals  // after = at a word's start
	inParens  // in ( … ) within a word
	inUnknown // the scanner could not follow
)

// holds reports whether k can stand in c.
func (c quoteContext) holds(k placeKey) bool {
	return c <= inDouble || c == inArith && k.origin != fromValues
}

func (c quoteContext) String() string {
	return [...]string{
		"outside of quotes", "in single quotes", "in double quotes",
		"in arithmetic", "in backquotes", "in a comment", "in a here-document",
		"in ${…}", "in $'…'", "after a backslash", "after $",
		"after >& or <&", "after ~", "in a subscript", "after =", "in parentheses of a pattern",
		"in an intricate part",
	}[c]
}

// insert returns the variable v, say $1, as it is inserted in c.
func (c quoteContext) insert(v string) (string, bool) {
	switch c {
	case inBare:
		return `"` + v + `"`, true
	case inSingle:
		return `'"` + v + `"'`, true
	case inDouble, inArith:
		return v, true
	}
	return "", false
}

// checkSpot refuses a placeholder where none can stand.
func (s *Spec) checkSpot(p *spot, functions bool) *UsageError {
	several := s.Many && p.origin == fromValues && p.col == 0 && p.form != formQuoted
	switch {
	case !p.context.holds(p.placeKey):
		return s.placeError(p, p.context)
	case several && p.words && functions:
		return &UsageError{
			Msg:  p.text + " stands for several records, which a line with functions cannot tell from theirs",
			Hint: `"$@" are the records, outside of functions`,
		}
	case several && !p.words:
		return manyError(&p.place)
	}
	return nil
}

// placeError refuses p, which stands in c.
func (s *Spec) placeError(p *spot, c quoteContext) *UsageError {
	return &UsageError{
		Msg:  fmt.Sprintf("%s %s of a shell line cannot be replaced safely", p.text, c),
		Hint: p.remedy(c),
	}
}

// remedy says what to write for p in the shell's own language.
func (p *place) remedy(c quoteContext) string {
	switch {
	case p.origin == fromSeq:
		return `write "$MPX_SEQ" instead`
	case p.origin == fromSlot:
		return `write "$MPX_SLOT" instead`
	}
	n := max(p.col, 1)
	arg := "$" + strconv.Itoa(n)
	if n > 9 {
		arg = "${" + strconv.Itoa(n) + "}"
	}
	switch c {
	case inArith, inDup, inTilde, inSubscript, inEquals, inParens:
		// "$1" would be read there as the placeholder would.
		return fmt.Sprintf(`the value is "%s" to the shell: write that once it is known to be a number: case {} in ''|*[!0-9]*) exit 2;; esac`, arg)
	}
	return fmt.Sprintf(`the value is "%s" to the shell: write that, and no placeholder`, arg)
}
