package task

import "strings"

// Display returns the command of t as a line for sh that runs the same: for
// --verbose, --dry-run and messages. Newlines in it stand in quotes. (A
// builtin of sh is shown by its name, whether it or the program of that name
// is run.)
func (tp *Template) Display(t *Task, slot int) string {
	return tp.display(&filling{task: t, slot: slot, omit: tp.spec.Omit})
}

// LogName returns the command of t with {#} and {%} as they stand. It depends
// on nothing but the command and the values of t, so that a later run knows
// the task by it.
func (tp *Template) LogName(t *Task) string {
	return tp.display(&filling{task: t, omit: tp.spec.Omit, keep: true})
}

func (tp *Template) display(f *filling) string {
	if tp.spec.Filter {
		return `printf '%s\n' ` + QuoteWords(f.appendAll(nil)) + " | " + tp.displayCommand(f)
	}
	return tp.displayCommand(f)
}

func (tp *Template) displayCommand(f *filling) string {
	switch {
	case tp.words != nil:
		return QuoteWords(tp.fill(f))
	case tp.line != nil && len(tp.spec.Shell) == 0 && !tp.line.positional:
		return tp.line.display(f)
	case tp.line != nil:
		return QuoteWords(tp.line.words(f))
	}
	line := string(f.appendValue(nil, 0, formAsIs))
	if len(tp.spec.Shell) == 0 {
		return line
	}
	return QuoteWords(append(tp.spec.shellWords(), "-c", line))
}

// DisplayWords returns the command of t as its user sees it, each word whole:
// the argument vector, or the shell, -c and the line with values for its
// placeholders.
func (tp *Template) DisplayWords(t *Task, slot int) []string {
	f := &filling{task: t, slot: slot, omit: tp.spec.Omit}
	switch {
	case tp.words != nil:
		return tp.fill(f)
	case tp.line != nil:
		return tp.line.words(f)
	}
	line := string(f.appendValue(nil, 0, formAsIs))
	if words, ok := tp.splitLine(line); ok {
		return words
	}
	return []string{line}
}

// words returns the shell, -c and the line as shown, and where the line names
// its arguments by number, those.
func (l *shellLine) words(f *filling) []string {
	n := len(l.command)
	words := append(append([]string(nil), l.command[:n-2]...), l.display(f))
	if l.positional && l.values {
		words = f.appendAll(append(words, l.command[n-1]))
	}
	return words
}

// display returns the line with values for its placeholders, quoted for where
// they stand.
func (l *shellLine) display(f *filling) string {
	var b strings.Builder
	at := 0
	for i := range l.spots {
		p := &l.spots[i]
		b.WriteString(l.src[at:p.start])
		b.WriteString(l.shown(p, f))
		at = p.end
	}
	if l.appendAt >= 0 {
		b.WriteString(l.src[at:l.appendAt])
		for _, v := range f.appendAll(nil) {
			b.WriteString(" " + Quote(v))
		}
		at = l.appendAt
	}
	b.WriteString(l.src[at:])
	return b.String()
}

// shown returns the text for p.
func (l *shellLine) shown(p *spot, f *filling) string {
	if p.words {
		var words []string
		if !f.omit {
			words = f.appendAll(nil)
		}
		for i, w := range words {
			words[i] = quoteAlways(w)
		}
		return strings.Join(words, " ")
	}
	v := string(f.appendPlace(nil, &p.place))
	switch {
	case p.context == inArith || p.origin != fromValues && f.keep:
		return v
	case p.context == inSingle:
		return quoteSingle(v)
	case p.context == inDouble && p.apart:
		return `"` + quoteAlways(v) + `"`
	case p.context == inDouble:
		return quoteDouble(v)
	case l.alone(p):
		return quoteCommand(v)
	}
	return quoteAlways(v)
}

// alone reports whether p stands between blanks, where a plain value reads
// well without quotes and joins nothing.
func (l *shellLine) alone(p *spot) bool {
	before := p.start == 0 || l.src[p.start-1] == ' '
	after := p.end == len(l.src) || l.src[p.end] == ' '
	return before && after && !p.apart
}
