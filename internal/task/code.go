package task

import (
	"path"
	"slices"
	"strings"

	shellwords "github.com/mattn/go-shellwords"
)

// guardCode refuses values in what programs read as code: the script of a shell
// with -c, what ssh hands to another machine's shell, the code of perl -e. words
// are a command. The program is looked
// for behind the wrappers that are known; an interpreter's name with an option
// for code is looked for among all words, because others run their words, too:
// docker exec, find -exec.
func (s *Spec) guardCode(words []scanWord) *UsageError {
	if !slices.ContainsFunc(words, scanWord.holds) {
		return nil
	}
	for {
		if err := s.guardProgram(words, true); err != nil {
			return err
		}
		inner, err := afterWrapper(words)
		if err != nil {
			return err
		}
		if inner == nil {
			break
		}
		words = inner
	}
	if isSearcher(string(words[0].text)) {
		return nil
	}
	for i := 1; i < len(words); i++ {
		if err := s.guardProgram(words[i:], runs(words, i)); err != nil {
			return err
		}
	}
	return nil
}

// runs reports whether words, which start with a program that is no wrapper known
// whole, surely run the program that words[i] names.
func runs(words []scanWord, i int) bool {
	switch path.Base(string(words[0].text)) {
	case "find":
		return strings.HasPrefix(string(words[i-1].text), "-exec") || strings.HasPrefix(string(words[i-1].text), "-ok")
	case "docker", "podman", "nerdctl", "kubectl", "lxc", "incus", "systemd-run", "bwrap", "firejail", "proot", "schroot", "ip":
		return interpreterOf(string(words[i].text)) == &asAwk
	}
	return false
}

// guardProgram is guardCode for the program that words[0] names. sure says that
// it does run: else only what options say is code counts.
func (s *Spec) guardProgram(words []scanWord, sure bool) *UsageError {
	if words[0].open || words[0].holds() {
		return nil
	}
	if n := scriptOf(words); n > 0 {
		w := &words[n]
		if w.code {
			return s.codeError(words[:n], w)
		}
		return s.guardScript(w, shellsNamed(string(words[0].text)))
	}
	p := interpreterOf(string(words[0].text))
	if p == nil {
		return nil
	}
	found := p.codeWords(words, sure)
	if p.all && len(found) > 1 {
		w := joined(found)
		found = []scanWord{w}
	}
	for i := range found {
		switch w := &found[i]; {
		case w.code || w.quoted && p.reads == readLanguage:
			return p.refuse(&words[0], w)
		case w.quoted:
			if err := s.guardScript(w, inAny); err != nil {
				return err
			}
		}
	}
	return nil
}

// codeWords returns those of words, the command that p is, which p reads as code.
// sure says that p does run: else only what options say is code counts.
func (p *interpreter) codeWords(words []scanWord, sure bool) []scanWord {
	r := codeReader{interpreter: p, words: words, sure: sure, options: true}
	for r.at = 1; r.at < len(words) && !r.done; r.at++ {
		r.word(&words[r.at])
	}
	return r.found
}

// refuse says why w is no place for a value, and what is.
func (p *interpreter) refuse(program, w *scanWord) *UsageError {
	name := string(program.text)
	if p.reads == readAnyShell {
		return &UsageError{
			Msg:  "a record in what " + name + " hands to a shell would be read as code",
			Hint: p.remedy,
		}
	}
	if !w.code {
		return &UsageError{
			Msg:  "{q} is quoted for a shell, not for " + name,
			Hint: "an argument is never read as code: " + p.remedy,
		}
	}
	return &UsageError{
		Msg:  "a record inside the code of " + name + " would be read as code",
		Hint: "an argument is never read as code: " + p.remedy,
	}
}

// afterWrapper returns the command that words have a wrapper for, nil if it is
// none.
func afterWrapper(words []scanWord) ([]scanWord, *UsageError) {
	name := string(words[0].text)
	name = name[strings.LastIndexByte(name, '/')+1:]
	p, ok := wrappers[name]
	if !ok || words[0].open || words[0].holds() {
		return nil, nil
	}
	operands := p.operands
	for i := 1; i < len(words); i++ {
		text := string(words[i].text)
		switch {
		case name == "env" && isSplitOption(text):
			return splitByEnv(words, i)
		case text == "--":
		case len(text) > 1 && text[0] == '-' && text[1] != '-':
			if c := strings.IndexAny(text[1:], p.takes); c >= 0 && p.takes != "" && c == len(text)-2 {
				i++
			}
		case strings.HasPrefix(text, "--"):
			if slices.Contains(p.long, text) {
				i++
			}
		case text == "-" && name == "env":
		case (name == "env" || name == "sudo" || name == "doas") && strings.Contains(text, "="):
		case operands > 0:
			operands--
		default:
			return words[i:], nil
		}
	}
	return nil, nil
}

// isSplitOption reports whether o is env's -S, alone, behind others or with its
// text.
func isSplitOption(o string) bool {
	if strings.HasPrefix(o, "--s") { // any abbreviation of --split-string
		return true
	}
	n := strings.IndexByte(o, 'S')
	return n > 0 && o[0] == '-' && o[1] != '-' && !strings.ContainsAny(o[1:n], "uCa")
}

// splitByEnv returns words with those in the text of env -S, which words[i] is
// or has before it.
func splitByEnv(words []scanWord, i int) ([]scanWord, *UsageError) {
	o := string(words[i].text)
	w := words[i]
	var text string
	switch short, long, ok := strings.Cut(o, "="); {
	case strings.HasPrefix(o, "--") && ok:
		text = long
	case strings.HasPrefix(short, "--"), strings.HasSuffix(o, "S"):
		if i++; i == len(words) {
			return nil, nil
		}
		w, text = words[i], string(words[i].text)
	default:
		text = o[strings.IndexByte(o, 'S')+1:]
	}
	if w.holds() {
		return nil, &UsageError{
			Msg:  "a record in what env -S splits would be read as several words, and as env's own language",
			Hint: "give the command as words of its own: env COMMAND {}",
		}
	}
	p := shellwords.NewParser()
	split, err := p.Parse(text)
	if err != nil || strings.ContainsAny(text, "\\$#") {
		return nil, &UsageError{
			Msg:  "what env -S makes of " + Quote(text) + " is not known, so that a record behind it may be read as code",
			Hint: "give the command as words of its own: env COMMAND {}",
		}
	}
	inner := []scanWord{{text: []byte("env")}}
	for _, t := range split {
		inner = append(inner, scanWord{text: []byte(t)})
	}
	return append(inner, words[i+1:]...), nil
}
