package task

import (
	"strings"
	"unicode/utf8"

	shellwords "github.com/mattn/go-shellwords"
)

// Direct splits line into words if it provably means the same to sh as to
// execve: one simple command of plain words, whose name is neither a keyword
// nor a builtin. GNU make has the same idea (construct_command_argv_internal);
// this one is an allow-list. Whatever it does not know goes to the shell,
// which costs time but is never wrong.
func Direct(line string) ([]string, bool) {
	words, ok := plainWords(line)
	if !ok || isReserved(words[0]) || isBuiltin(words[0]) {
		return nil, false
	}
	return words, true
}

// plainWords splits a line without operators, expansions and backslashes. The
// first word is not empty and no assignment.
//
// go-shellwords alone would not do: it ends without an error at the first
// operator, reads "\n" as a newline, ignores $ and *, splits at newlines and
// carriage returns, and replaces bytes that are not UTF-8.
func plainWords(line string) ([]string, bool) {
	if !utf8.ValidString(line) || !isPlainLine(line) {
		return nil, false
	}
	p := shellwords.NewParser() // a new one: Position survives in a used one
	p.ParseEnv, p.ParseBacktick, p.ParseComment = false, false, false
	words, err := p.Parse(line)
	if err != nil || p.Position != -1 || len(words) == 0 {
		return nil, false
	}
	first := words[0]
	// bash takes a leading % for a job.
	if first == "" || first[0] == '%' || strings.Contains(first, "=") {
		return nil, false
	}
	return words, true
}

// isPlainLine reports whether line holds nothing but blanks, plain characters
// and quotes without anything that is special in them.
func isPlainLine(line string) bool {
	quote := byte(0)
	for i := range len(line) {
		c := line[i]
		switch {
		case c == 0:
			return false
		case quote != 0:
			if c == quote {
				quote = 0
			} else if quote == '"' && strings.IndexByte("\\$`", c) >= 0 {
				return false
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ' ' || c == '\t' || c >= 0x80 || isPlainByte(c):
		default:
			return false
		}
	}
	return quote == 0
}
