package task

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A shellLine is a COMMAND that a shell reads. Its script is constant: values
// are arguments of the shell, a prologue puts them into variables, and each
// placeholder has become one of those. So no value is ever parsed, and the
// values themselves are $1, $2 … to the user's text.
type shellLine struct {
	shellScan
	src     string
	command []string // the shell, -c, the script and $0
	// derived are the arguments before the values: what is not a value as it
	// came.
	derived []place
	values  bool // the values are arguments
}

// compileShell compiles line, which has its placeholders at places, for a shell.
func (s *Spec) compileShell(line string, places []place) (*shellLine, *UsageError) {
	l := &shellLine{shellScan: *scanShell(line, s, places), src: line}
	l.values = !s.ToStdin && !s.Omit
	shell := s.shellWords()
	for i := range l.spots {
		if err := s.checkSpot(&l.spots[i], l.functions); err != nil {
			return nil, err
		}
	}
	if l.positional || !s.appends(l.placesOf()) {
		l.appendAt = -1
	} else if l.appendAt < 0 {
		return nil, &UsageError{
			Msg:  "the record cannot be appended to a line that ends in " + l.ending,
			Hint: `write {} (or "$1") where the record belongs`,
		}
	} else {
		l.append(s)
	}
	if (l.appendAt >= 0 || len(l.spots) > 0) && !readsPOSIX(shell) {
		return nil, &UsageError{
			Msg:  "--shell " + shell[0] + " does not read the language that a record is inserted in",
			Hint: "use a POSIX shell, or give COMMAND as several words",
		}
	}
	if l.appendAt >= 0 || len(l.spots) > 0 {
		if err := s.judge(&l.shellScan, shellsOf(shell)); err != nil {
			return nil, err
		}
	}
	l.command = append(shell, "-c", l.script(s), shellName(shell))
	return l, nil
}

// append adds the values to the last command, which appendAt is the end of.
func (l *shellLine) append(s *Spec) {
	c := &l.commands[len(l.commands)-1]
	several := s.MultiValue || s.Many
	c.words = append(c.words, scanWord{text: []byte("{}"), code: true, many: several, loose: several})
	l.uses.all = true
}

func (l *shellLine) placesOf() []place {
	var ps []place
	for i := range l.spots {
		ps = append(ps, l.spots[i].place)
	}
	return ps
}

// script returns the constant script: the prologue, then the user's line with
// variables for its placeholders.
func (l *shellLine) script(s *Spec) string {
	var keys []placeKey // the variables' meanings
	var b strings.Builder
	at := 0
	for i := range l.spots {
		p := &l.spots[i]
		v := "$@"
		l.uses.all = l.uses.all || p.words
		if !p.words {
			n := slices.Index(keys, p.placeKey)
			if n < 0 {
				n = len(keys)
				keys = append(keys, p.placeKey)
			}
			v = scriptVar(n)
		}
		v, _ = p.context.insert(v)
		b.WriteString(l.src[at:p.start] + v)
		at = p.end
	}
	if l.appendAt >= 0 {
		b.WriteString(l.src[at:l.appendAt] + ` "$@"`)
		at = l.appendAt
	}
	b.WriteString(l.src[at:])
	return l.prologue(keys, s) + b.String()
}

func scriptVar(n int) string { return "${_mpx" + strconv.Itoa(n+1) + "}" }

// prologue sets the variables and leaves the values as $1, $2 …. It stands on
// the script's first line, so that line numbers in messages stay the user's.
func (l *shellLine) prologue(keys []placeKey, s *Spec) string {
	var derived, values strings.Builder
	for n, k := range keys {
		if col := s.argument(k); col > 0 && l.values {
			l.uses.cols = append(l.uses.cols, col)
			fmt.Fprintf(&values, "_mpx%d=${%d-} ", n+1, col)
			continue
		}
		for i := range l.spots {
			if l.spots[i].placeKey == k {
				l.derived = append(l.derived, l.spots[i].place)
				break
			}
		}
		fmt.Fprintf(&derived, "_mpx%d=${%d} ", n+1, len(l.derived))
	}
	text := ""
	if len(l.derived) > 0 {
		text = fmt.Sprintf("%s; shift %d; ", strings.TrimSpace(derived.String()), len(l.derived))
	}
	if values.Len() > 0 {
		text += strings.TrimSpace(values.String()) + "; "
	}
	return text
}

// argument returns the number of the value that k is, unchanged, else 0.
func (s *Spec) argument(k placeKey) int {
	switch {
	case k.origin != fromValues || k.form != formAsIs:
		return 0
	case k.col == 0 && !s.MultiValue && !s.Many:
		return 1
	}
	return k.col
}

// argv renders the line.
func (l *shellLine) argv(f *filling) []string {
	argv := make([]string, len(l.command), len(l.command)+len(l.derived)+f.task.Values.Len())
	copy(argv, l.command)
	for i := range l.derived {
		argv = append(argv, string(f.appendPlace(nil, &l.derived[i])))
	}
	if l.values {
		argv = l.appendUsed(argv, f)
	}
	return argv
}

// appendUsed appends the values that the line can use, up to the last of them.
func (l *shellLine) appendUsed(argv []string, f *filling) []string {
	for i := range l.passes(f.task.Values.Len()) {
		v := ""
		if l.uses.has(i + 1) {
			v = string(f.task.Values.At(i))
		}
		argv = append(argv, v)
	}
	return argv
}

// shellName returns what $0 is in a line: the shell as --shell names it.
func shellName(shell []string) string {
	for _, w := range shell {
		if isShell(w) && path.Base(w) != "busybox" {
			return w
		}
	}
	return shell[0]
}
