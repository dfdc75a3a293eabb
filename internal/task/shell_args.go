package task

import "strings"

// An argUse says which of its arguments, $1 … $N, a line may use. What it cannot
// use is not passed: it may be longer than an argument can be.
type argUse struct {
	all   bool
	count bool // $#
	cols  []int
}

func (u *argUse) merge(v *argUse) {
	u.all, u.count = u.all || v.all, u.count || v.count
	u.cols = append(u.cols, v.cols...)
}

// has reports whether argument n, from 1, may be used.
func (u *argUse) has(n int) bool {
	if u.all {
		return true
	}
	for _, c := range u.cols {
		if c == n {
			return true
		}
	}
	return false
}

// refer notes an expansion, which rest follows the $ of.
func (s *shellScanner) refer(rest string) {
	s.positional = s.positional || refersToArgs(rest)
	s.uses.expansion(rest)
}

// expansion notes what $ and rest may use.
func (u *argUse) expansion(rest string) {
	braced := strings.HasPrefix(rest, "{")
	name := strings.TrimPrefix(rest, "{")
	switch {
	case braced && strings.HasPrefix(name, "#}"), !braced && strings.HasPrefix(name, "#"):
		u.count = true
		if braced {
			return
		}
		name = name[1:] // zsh reads $#1 as ${#1}
	case braced && strings.HasPrefix(name, "#"):
		name = name[1:]
	}
	n := 0
	for n < len(name) && isNameByte(name[n]) {
		n++
	}
	switch {
	case n == 0 && braced && strings.HasPrefix(name, "?}"):
	case n == 0 && (braced || name != "" && strings.IndexByte("@*+~=^\\", name[0]) >= 0):
		u.all = true
	case n == 0:
	case name[0] >= '0' && name[0] <= '9':
		u.number(name[:n], braced)
	case braced && strings.HasPrefix(name[n:], "@"): // ${x@P} expands what is in x
		u.all = true
	}
}

// number notes an argument's number.
func (u *argUse) number(digits string, braced bool) {
	if !braced {
		digits = digits[:1]
	}
	col := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' || col > 1<<20 {
			u.all = true
			return
		}
		col = col*10 + int(c-'0')
	}
	if col > 0 {
		u.cols = append(u.cols, col)
	}
}

// command notes what the command with words may use without a $.
func (u *argUse) command(words []scanWord) {
	if first := string(words[0].text); first == "for" || first == "select" {
		u.all = u.all || len(words) < 3 || string(words[2].text) != "in"
		return
	}
	words = skipPrefixes(words)
	if len(words) == 0 {
		return
	}
	switch string(words[0].text) {
	case "eval", ".", "source", "set", "shift", "getopts", "trap", "alias", "fc", "emulate", "compgen", "complete",
		"mapfile", "readarray", "bind", "zle", "sched", "zstyle", "autoload", "enable":
		u.all = true
	default:
		u.all = u.all || words[0].open || words[0].pattern
	}
}

// passes returns how many of n values are passed, those that are not used being
// left empty.
func (l *shellLine) passes(n int) int {
	if l.uses.all || l.uses.count {
		return n
	}
	most := 0
	for _, c := range l.uses.cols {
		most = max(most, c)
	}
	return min(n, most)
}
