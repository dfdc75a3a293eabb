package task

import (
	"slices"
	"strings"
)

// A wordRule returns the shells in which a builtin takes each value among args,
// the words behind its name, as the text that it is. What no rule calls safe is
// not: shells evaluate names, subscripts, numbers, formats and prompts in places
// that nobody would list in full.
type wordRule func(args []scanWord) shellSet

// literalRules are the builtins that take words literally. Prefixes such as
// command are no part of this: see skipPrefixes.
var literalRules = map[string]wordRule{
	":": anyWord, "true": anyWord, "false": anyWord, "echo": anyWord, "pwd": anyWord,
	"cd": anyWord, "chdir": anyWord, "pushd": anyWord, "type": anyWord,
	"rename": anyWord, "realpath": anyWord, "which": anyWord, "where": anyWord, "whence": anyWord,
	"exit": wordIn(inLiteral), "return": wordIn(inLiteral), "break": wordIn(inLiteral),
	"continue": wordIn(inLiteral), "shift": wordIn(inLiteral), "ulimit": wordIn(inLiteral),
	"umask": wordIn(inLiteral), "kill": wordIn(inLiteral), "sleep": wordIn(inAny &^ inKsh93 &^ inOther),
	".": anyWord, "source": anyWord, // a file, and arguments
	"printf": printfWords, "print": afterDashes("-nrlN"), "set": afterDashes("-+abefhmnuvxC"),
	"test": testWords, "[": testWords,
	"export": declaredWords, "readonly": declaredWords, "local": declaredWords,
	"typeset": declaredWords, "declare": declaredWords,
}

func anyWord([]scanWord) shellSet { return inAny }

func wordIn(set shellSet) wordRule { return func([]scanWord) shellSet { return set } }

// afterDashes is the rule of print and set: what stands behind -- is text. The
// options before it must be of letters: none may say what becomes of the text,
// as set -A and print -P do.
func afterDashes(letters string) wordRule {
	return func(args []scanWord) shellSet {
		for i := range args {
			w := &args[i]
			switch {
			case w.open || w.loose || w.holds():
				return inNone
			case w.is("--"):
				return inAny
			case strings.Trim(string(w.text), letters) != "":
				return inNone
			}
		}
		return inNone
	}
}

// printfWords is the rule of printf. A value may be an argument if the format
// is known: %n sets a variable that the argument names, and some shells evaluate
// an argument of %d. It may be in the format if that is all there is.
func printfWords(args []scanWord) shellSet {
	i := 0
	if args[0].is("-v") {
		i = 2 // the variable's name
	}
	if i < len(args) && args[i].is("--") {
		i++
	}
	if i >= len(args) || slices.ContainsFunc(args[:i], func(w scanWord) bool { return w.holds() || w.open }) {
		return inNone
	}
	format, rest := &args[i], args[i+1:]
	switch {
	case format.holds() && len(rest) == 0 && !format.many:
		return inAny
	case format.open || format.holds() || format.loose || strings.HasPrefix(string(format.text), "-"):
		return inDash | inAsh
	}
	return formatSafe(string(format.text))
}

// formatSafe returns the shells in which the conversions of format leave their
// arguments alone.
func formatSafe(format string) shellSet {
	safe := inAny
	for i := 0; i < len(format); i++ {
		if format[i] == '\\' && isPercent(format[i+1:]) {
			safe &= inLiteral // zsh reads \x25d as %d
		}
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("-+ #0123456789.", format[i]) >= 0; i++ {
		}
		switch {
		case i == len(format):
			return safe & inLiteral
		case strings.IndexByte("sbqc%", format[i]) >= 0:
		case strings.IndexByte("diouxXeEfFgGaA*", format[i]) >= 0:
			safe &= inLiteral | inMksh // which runs the program
		default: // %n sets a variable
			safe &= inDash | inAsh
		}
	}
	return safe
}

// isPercent reports whether the escape after a backslash may be that of a %.
func isPercent(escape string) bool {
	digits := escape[:len(escape)-len(strings.TrimLeft(escape, "xuU0123456789{"))]
	return strings.Contains(digits, "25") || strings.Contains(digits, "45")
}

// declaredWords is the rule of export and its like: NAME=value, where NAME is no
// variable of the shell itself, and options give it no type.
func declaredWords(args []scanWord) shellSet {
	safe := inAny
	for i := range args {
		w := &args[i]
		switch {
		case w.many || w.pattern && w.holds():
			return inNone
		case w.holds():
			name, _, ok := strings.Cut(string(w.text[:w.at]), "=")
			if !ok || !isName(name) {
				return inNone
			}
			safe &^= shellsUsing(name)
		case givesType(w):
			return inNone
		}
	}
	return safe
}

// givesType reports whether the word w of a declaration gives variables a type,
// by which a later assignment is evaluated.
func givesType(w *scanWord) bool {
	if len(w.text) > 0 && (w.text[0] == '-' || w.text[0] == '+') {
		return strings.Trim(string(w.text[1:]), "rxgp-") != ""
	}
	return w.open && w.at < 0 && !strings.Contains(string(w.text), "=")
}

func isName(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && strings.IndexFunc(s, func(r rune) bool { return r > 127 || !isNameByte(byte(r)) }) < 0
}
