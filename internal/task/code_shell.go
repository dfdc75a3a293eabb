package task

import (
	"path"
	"slices"
	"strings"
)

// guardScript checks the values in the script w, which one of the shells in reads
// once they are quoted by {q}: outside of quotes, and where a shell takes a word
// literally.
func (s *Spec) guardScript(w *scanWord, in shellSet) *UsageError {
	if !w.quoted {
		return nil
	}
	scan := scanShell(string(w.text), s, s.places(string(w.text)))
	for i := range scan.spots {
		p := &scan.spots[i]
		if p.form == formQuoted && p.context != inBare {
			return &UsageError{
				Msg:  p.text + " inside quotes of a script would be read as code",
				Hint: p.text + " brings its own quotes: let it stand outside of others",
			}
		}
	}
	// Read once, {q} has become the record: none for a second reader.
	for _, c := range scan.commands {
		for i := range c.words {
			c.words[i].code, c.words[i].quoted = c.words[i].holds(), false
		}
	}
	return s.judge(scan, in)
}

// joined returns words as the one script that eval and ssh make of them.
func joined(words []scanWord) scanWord {
	var w scanWord
	for i := range words {
		if i > 0 {
			w.text = append(w.text, ' ')
		}
		w.text = append(w.text, words[i].text...)
		w.code = w.code || words[i].code
		w.quoted = w.quoted || words[i].quoted
	}
	return w
}

// codeError refuses the script w of the shell that words are the start of.
func (s *Spec) codeError(words []scanWord, w *scanWord) *UsageError {
	shell := string(words[0].text)
	script := string(w.text)
	err := &UsageError{Msg: "a record inside the script of " + shell + " -c would be read as code"}
	scan := scanShell(script, s, s.places(script))
	if len(scan.spots) == 1 && strings.TrimSpace(script) == scan.spots[0].text {
		err.Hint = "to run each record as a command line, leave COMMAND out"
		return err
	}
	line, args, ok := asArguments(script, scan)
	if !ok || len(script) > 60 || strings.Contains(script, "\n") {
		line, args, script = `echo "$1"`, []string{"{}"}, "echo {}"
	}
	var opts []string
	for _, o := range words {
		opts = append(opts, Quote(string(o.text)))
	}
	with := "mpx map "
	if last := len(words) - 1; path.Base(shell) != "sh" && string(words[last].text) == "-c" {
		with += "--shell " + Quote(strings.Join(opts[:last], " ")) + " "
	}
	err.Hint = with + quoteAlways(script) + ", or " + strings.Join(opts, " ") + " " +
		quoteAlways(line) + " sh " + strings.Join(args, " ")
	return err
}

// asArguments rewrites script to take its placeholders as $1, $2 ….
func asArguments(script string, scan *shellScan) (line string, args []string, ok bool) {
	var b strings.Builder
	at := 0
	for _, p := range scan.spots {
		n := slices.Index(args, p.text)
		if n < 0 {
			n = len(args)
			args = append(args, p.text)
		}
		arg := "$" + string(rune('1'+n))
		switch {
		case n > 8 || p.words && len(scan.spots) > 1:
			return "", nil, false
		case p.words:
			arg = "$@"
		}
		arg, ok = p.context.insert(arg)
		if !ok {
			return "", nil, false
		}
		b.WriteString(script[at:p.start] + arg)
		at = p.end
	}
	return b.String() + script[at:], args, len(args) > 0
}

// scriptOf returns the index of the script in words, if they are a shell with
// -c and its arguments, else 0.
func scriptOf(words []scanWord) int {
	if !isShell(string(words[0].text)) {
		return 0
	}
	hasC, skip := false, 0
	for i := 1; i < len(words); i++ {
		o := string(words[i].text)
		switch {
		case skip > 0:
			skip--
		case i == 1 && isShell(o) && path.Base(string(words[0].text)) == "busybox":
		case len(o) > 1 && (o[0] == '-' || o[0] == '+') && o != "--":
			hasC = hasC || isOption(o, 'c')
			skip = operands(o)
		case o == "--" || o == "-":
		case hasC:
			return i
		default:
			return 0
		}
	}
	return 0
}

func isOption(o string, c byte) bool {
	return o[0] == '-' && o[1] != '-' && strings.IndexByte(o, c) > 0
}

// operands returns how many words belong to the option o of a shell.
func operands(o string) int {
	switch o {
	case "--rcfile", "--init-file", "--emulate":
		return 1
	}
	if strings.HasPrefix(o, "--") {
		return 0
	}
	return strings.Count(o, "o") + strings.Count(o, "O")
}
