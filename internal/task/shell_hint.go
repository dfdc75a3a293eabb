package task

import "strings"

// ShellHint returns a remedy if a word of a failing argument vector looks as
// if a shell should have read it, else "".
func ShellHint(words []string) string {
	found := false
	line := make([]string, len(words))
	for i, w := range words {
		switch {
		case isOperator(w):
			found = true
			line[i] = w
		case strings.Trim(w, "{}#%/.0123456789q") == "": // a placeholder
			line[i] = w
		default:
			line[i] = Quote(w)
		}
	}
	if !found {
		return ""
	}
	return "make it one word: mpx map " + quoteAlways(strings.Join(line, " "))
}

// isOperator reports whether w is an operator of the shell and nothing else.
func isOperator(w string) bool {
	switch strings.TrimLeft(w, "0123456789") {
	case "|", "||", "|&", ";", ";;", "&", "&&",
		"<", "<<", "<<<", ">", ">>", ">|", "<>", "&>", "&>>",
		">&1", ">&2", ">&", "<&":
		return true
	}
	return false
}
