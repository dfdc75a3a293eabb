package task

import (
	"fmt"
	"strings"
)

// maxArg is the longest argument Linux takes: MAX_ARG_STRLEN without its NUL.
const maxArg = 128<<10 - 1

// An argWord is a word of an argument vector.
type argWord struct {
	parts []part
	// spread says that the word is a placeholder that becomes a word for each
	// value.
	spread bool
}

// compileWords compiles an argument vector.
func (tp *Template) compileWords(words [][]part) *UsageError {
	s := &tp.spec
	var all []place
	var plain []scanWord
	for _, parts := range words {
		w := argWord{parts: parts}
		text := scanWord{}
		for i := range parts {
			p := &parts[i]
			if !p.literal {
				text.hold(&p.place)
			}
			text.text = append(text.text, p.text...)
			if p.literal {
				continue
			}
			all = append(all, p.place)
			alone := len(parts) == 1
			w.spread = alone && s.spreadsForm(&p.place)
			text.many = w.spread
			if !alone && s.Many && s.spreadsForm(&p.place) && p.form != formQuoted {
				return manyError(&p.place)
			}
		}
		tp.words = append(tp.words, w)
		plain = append(plain, text)
	}
	if err := s.checkPlaces(all); err != nil {
		return err
	}
	tp.lists = s.appends(all)
	if tp.lists {
		plain = append(plain, scanWord{text: []byte("{}"), code: true})
	}
	return s.guardCode(plain)
}

// spreadsForm is spreads for an argument vector, where any form can.
func (s *Spec) spreadsForm(p *place) bool {
	q := *p
	q.form = formAsIs
	return s.spreads(&q)
}

// placeMarker stands for a placeholder while a line is split: a character of
// Unicode's private use area, plain to every shell.
const placeMarker = "\ue000"

// directParts splits line, which has its placeholders at places, as Direct does, taking
// them for plain text.
func (s *Spec) directParts(line string, places []place) ([][]part, bool) {
	if strings.Contains(line, placeMarker) {
		return nil, false
	}
	var b strings.Builder
	at := 0
	for _, p := range places {
		b.WriteString(line[at:p.start] + placeMarker)
		at = p.end
	}
	b.WriteString(line[at:])
	split := Direct
	if s.NoShell {
		split = plainWords
	}
	words, ok := split(b.String())
	// A record in the command's place may be the name of a builtin.
	if !ok || !s.NoShell && strings.Contains(words[0], placeMarker) {
		return nil, false
	}
	out := make([][]part, len(words))
	for i, w := range words {
		for k, text := range strings.Split(w, placeMarker) {
			if k > 0 {
				out[i] = append(out[i], part{place: places[0]})
				places = places[1:]
			}
			if text != "" || w == "" {
				out[i] = append(out[i], literalPart(text))
			}
		}
	}
	return out, true
}

// Argv returns the argument vector of t, run in slot (from 1). An error is a
// *RecordError. The words alias nothing of t.
func (tp *Template) Argv(t *Task, slot int) ([]string, error) {
	f := filling{task: t, slot: slot, omit: tp.spec.Omit}
	var argv []string
	switch {
	case tp.words != nil:
		argv = tp.fill(&f)
	case tp.line != nil:
		argv = tp.line.argv(&f)
	default:
		line := string(f.appendValue(nil, 0, formAsIs))
		words, ok := tp.splitLine(line)
		if !ok {
			return nil, &RecordError{
				Msg:  fmt.Sprintf("task %d: --no-shell: only a shell can read %s", t.Seq, Quote(line)),
				Hint: "a record is a command line here; name a COMMAND to pass it as an argument",
			}
		}
		argv = words
	}
	if err := checkArgv(argv, t); err != nil {
		return nil, err
	}
	return argv, nil
}

// splitLine returns the argument vector for a line that is a record.
func (tp *Template) splitLine(line string) ([]string, bool) {
	s := &tp.spec
	if s.NoShell {
		return plainWords(line)
	}
	if len(s.Shell) == 0 {
		if words, ok := Direct(line); ok {
			return words, true
		}
	}
	return append(s.shellWords(), "-c", line), true
}

// shellWords returns a copy of the shell's words.
func (s *Spec) shellWords() []string {
	if len(s.Shell) == 0 {
		return []string{"sh"}
	}
	return append([]string(nil), s.Shell...)
}

// fill renders an argument vector.
func (tp *Template) fill(f *filling) []string {
	values := f.task.Values.Len()
	argv := make([]string, 0, len(tp.words)+values)
	var b []byte
	for i := range tp.words {
		w := &tp.words[i]
		switch {
		case w.parts[0].literal && len(w.parts) == 1:
			argv = append(argv, w.parts[0].text)
		case w.spread && !f.omit:
			for k := range values {
				b = f.appendValue(b[:0], k, w.parts[0].form)
				argv = append(argv, string(b))
			}
		case w.spread:
		default:
			b = f.appendParts(b[:0], w.parts)
			argv = append(argv, string(b))
		}
	}
	if tp.lists {
		argv = f.appendAll(argv)
	}
	return argv
}

// appendAll appends each value as a word.
func (f *filling) appendAll(argv []string) []string {
	for i := range f.task.Values.Len() {
		argv = append(argv, string(f.task.Values.At(i)))
	}
	return argv
}

// checkArgv refuses what execve(2) cannot pass.
func checkArgv(argv []string, t *Task) error {
	for _, w := range argv {
		if len(w) > maxArg {
			return &RecordError{
				Msg:  fmt.Sprintf("task %d: an argument of %d bytes; the system takes at most %d", t.Seq, len(w), maxArg),
				Hint: "--stdin passes records on the command's standard input",
			}
		}
	}
	return checkNUL(argv, t)
}

func checkNUL(argv []string, t *Task) error {
	for _, w := range argv {
		if strings.IndexByte(w, 0) >= 0 {
			return &RecordError{
				Msg:  fmt.Sprintf("task %d: the record has a NUL byte, which no argument can hold", t.Seq),
				Hint: "--stdin passes records on the command's standard input; -0 reads records that end in NUL",
			}
		}
	}
	return nil
}
