package task

import (
	"fmt"
	"slices"
	"strings"
)

// A shellCommand is a simple command of a line: its words, without assignments
// and redirections.
type shellCommand struct {
	words []scanWord
	test  bool // they stand in [[ … ]]
}

// judge returns an error if a value in the line that scan is of may be read as
// code by a shell that is one of in. The rule is one: a value stands in a word of
// an external command, or where a builtin is known to take it literally.
func (s *Spec) judge(scan *shellScan, in shellSet) *UsageError {
	for i := range scan.spots {
		if p := &scan.spots[i]; p.unsafe&in != 0 {
			return s.placeError(p, p.unsafeAs)
		}
	}
	typed, arrays := scan.types()
	for i := range scan.commands {
		c := &scan.commands[i]
		if err := s.judgeCommand(c, in); err != nil {
			return err
		}
		if declares(c.words) && (typed|arrays)&in != 0 {
			return typeError(string(skipPrefixes(c.words)[0].text))
		}
	}
	for _, name := range scan.sets {
		if shellsUsing(name)&in != 0 {
			return &UsageError{
				Msg:  "a record as the value of " + name + ", a variable of the shell itself, may be read as code",
				Hint: "take another name; a command is given it by env " + name + "={} COMMAND",
			}
		}
		if typed&in != 0 {
			return typeError(name)
		}
	}
	return nil
}

func typeError(name string) *UsageError {
	return &UsageError{
		Msg:  "a record in an assignment of " + name + " may be read as code: the line gives variables a type",
		Hint: `do without the type, or write "$1" once it is known to be a number: case {} in ''|*[!0-9]*) exit 2;; esac`,
	}
}

// types returns the shells in which the line's variables may have got a type,
// such as integer, by which what is assigned is evaluated; and those in which
// they may be arrays, for which a declaration reads its value as a list.
func (scan *shellScan) types() (typed, arrays shellSet) {
	const some = inAny &^ inDash &^ inAsh
	if scan.arithmetic {
		typed |= some &^ inBash // (( n = 1 )) makes n an integer
	}
	if scan.arrays {
		arrays |= some
	}
	for i := range scan.commands {
		words := skipPrefixes(scan.commands[i].words)
		if len(words) == 0 {
			continue
		}
		switch string(words[0].text) {
		case "declare", "typeset", "local", "export", "readonly", "private":
			for k := range words[1:] {
				if w := &words[k+1]; givesType(w) {
					typed |= some
				}
			}
		case "integer", "float", "nameref", "enum", "compound", "global":
			typed |= some
		case "let":
			typed |= some &^ inBash
		case "mapfile", "readarray":
			arrays |= some
		case "read", "set":
			for k := range words[1:] {
				if w := &words[k+1]; w.open || strings.HasPrefix(string(w.text), "-") && strings.ContainsAny(string(w.text), "aA") {
					arrays |= some
				}
			}
		}
	}
	return typed, arrays
}

// declares reports whether words are a declaration with a value in it.
func declares(words []scanWord) bool {
	words = skipPrefixes(words)
	if len(words) == 0 || !slices.ContainsFunc(words, scanWord.holds) {
		return false
	}
	switch string(words[0].text) {
	case "declare", "typeset", "local", "export", "readonly":
		return true
	}
	return false
}

// judgeCommand is judge for one command.
func (s *Spec) judgeCommand(c *shellCommand, in shellSet) *UsageError {
	if err := s.guardCode(c.words); err != nil {
		return err
	}
	words := skipPrefixes(c.words)
	if c.test || len(words) > 0 && words[0].is("[[") && !words[0].escaped {
		if !bracketWords(words) {
			return numberError("[[", words)
		}
		return nil
	}
	if len(words) == 1 && words[0].many && words[0].holds() { // a name and its words
		return namedByRecord(words)
	}
	if len(words) < 2 || !slices.ContainsFunc(words[1:], scanWord.holds) {
		return nil
	}
	name, args := string(words[0].text), words[1:]
	switch {
	case namesAny(&words[0]):
		return namedByRecord(words)
	case words[0].open: // it may be nothing, and the next word the command
		return s.judgeCommand(&shellCommand{words: args}, in)
	case name == "eval" || name == "trap":
		return s.guardEval(name, args, in)
	case !words[0].escaped && isReserved(name):
		return judgeKeyword(name, args)
	case builtins[name]&in == 0:
		return nil
	}
	rule := literalRules[name]
	if rule == nil || rule(args)&in != in {
		return builtinError(name, args)
	}
	return nil
}

// namedByRecord refuses words whose first is a record.
func namedByRecord(words []scanWord) *UsageError {
	return &UsageError{
		Msg:  "a record as the name of a command may be that of eval, which reads its words as code",
		Hint: "env makes it a program for sure: env " + lineOf(words),
	}
}

// judgeKeyword is judgeCommand for words behind a keyword that ends no command.
func judgeKeyword(name string, args []scanWord) *UsageError {
	switch name {
	case "case":
		return nil
	case "for", "select":
		if len(args) > 1 && args[1].is("in") && !args[0].holds() {
			return nil // the name is judged as one that is assigned to
		}
	}
	return builtinError(name, args)
}

// guardEval refuses values in what eval and trap read, but for {q}.
func (s *Spec) guardEval(name string, args []scanWord, in shellSet) *UsageError {
	script := args[0]
	if name == "eval" {
		script = joined(args)
	}
	for i := range args {
		w := &args[i]
		if w.code || w.quoted && name == "trap" && i > 0 {
			return &UsageError{
				Msg:  "a record in the words of " + name + " would be read as code",
				Hint: `in single quotes "$1" is the record: ` + name + ` 'echo "$1"'`,
			}
		}
	}
	return s.guardScript(&script, in)
}

// numberError refuses a value that name would evaluate.
func numberError(name string, args []scanWord) *UsageError {
	if !slices.ContainsFunc(args, isNumeric) {
		return builtinError(name, args)
	}
	return &UsageError{
		Msg:  "a record compared as a number by " + name + " would be read as code: arithmetic runs a[$(command)]",
		Hint: `write "$1" once it is known to be a number: case {} in ''|*[!0-9]*) exit 2;; esac; ` + name + ` "$1" -gt 3 …`,
	}
}

// builtinError refuses a value among the words of the builtin name.
func builtinError(name string, args []scanWord) *UsageError {
	if name == "test" || name == "[" {
		if slices.ContainsFunc(args, isNumeric) {
			return numberError(name, args)
		}
	}
	instead := ""
	switch name {
	case "printf":
		instead = `let the format hold none: printf '%s\n' {}; or `
	case "test", "[":
		instead = "compare text, one test at a time: [ {} = x ] && [ -f {} ]; or "
	case "export", "readonly", "local", "declare", "typeset":
		instead = "give it as a value, without a type: " + name + " x={}; or "
	case "set":
		instead = "set -- {}; or "
	case "print":
		instead = "print -r -- {}; or "
	}
	return &UsageError{
		Msg:  "a record among the words of " + name + " may be read as code by the shell",
		Hint: instead + `write "$1", the record to the shell, once it is known to be harmless: case {} in *[!a-zA-Z0-9]*) exit 2;; esac`,
	}
}

func isNumeric(w scanWord) bool {
	switch string(w.text) {
	case "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
		return true
	}
	return false
}

// lineOf returns words as the user may have written them.
func lineOf(words []scanWord) string {
	var b strings.Builder
	for i := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if words[i].holds() || words[i].open {
			fmt.Fprintf(&b, "%s", words[i].text)
		} else {
			b.WriteString(Quote(string(words[i].text)))
		}
	}
	return b.String()
}

// namesAny reports whether the record, or what a pattern finds, is the command.
func namesAny(w *scanWord) bool {
	name := string(w.text)
	return w.holds() || w.pattern && !strings.Contains(name, "/") ||
		w.open && strings.HasPrefix(name, "$") && refersToArgs(name[1:])
}

// skipPrefixes skips the words that leave the next one a command's name, and
// their options.
func skipPrefixes(words []scanWord) []scanWord {
	for i := range words {
		w := &words[i]
		name := string(w.text)
		switch {
		case w.holds() || w.open:
			return words[i:]
		case name == "command" || name == "builtin" || name == "exec" || name == "noglob" || name == "nocorrect":
		case i > 1 && words[i-1].is("-a") && words[i-2].is("exec"): // the name to be called by
		case name != "" && name[0] == '-':
			if i > 0 && words[i-1].is("command") && strings.ContainsAny(name, "vV") {
				return nil // it tells what a command is, and runs none
			}
		default:
			return words[i:]
		}
	}
	return nil
}
