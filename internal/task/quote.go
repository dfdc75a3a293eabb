package task

import "strings"

// Quote returns s as one word of a POSIX shell. It is exact for every byte but
// NUL, in any locale: what is not plain stands in single quotes, where a shell
// reads nothing but the closing quote.
func Quote(s string) string {
	if isPlain(s) {
		return s
	}
	return quoteAlways(s)
}

// quoteAlways is Quote that never leaves the quotes out. A word needs them in
// spite of plain characters where it could join its neighbours or be taken for
// a keyword, an assignment or a file descriptor.
func quoteAlways(s string) string {
	return "'" + quoteSingle(s) + "'"
}

// quoteSingle returns s as it stands between single quotes.
func quoteSingle(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }

// quoteDouble returns s as it stands between double quotes.
func quoteDouble(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte("$`\"\\", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quoteCommand quotes what may be the first word of a command, which must not be
// read as a keyword, an assignment or (in bash) a job. {q} is quoted so.
func quoteCommand(s string) string {
	if isReserved(s) || strings.Contains(s, "=") || strings.HasPrefix(s, "%") {
		return quoteAlways(s)
	}
	return Quote(s)
}

// QuoteWords returns an argument vector as a line for a shell.
func QuoteWords(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i == 0 {
			b.WriteString(quoteCommand(w))
			continue
		}
		b.WriteByte(' ')
		b.WriteString(Quote(w))
	}
	return b.String()
}

// isPlain reports whether s needs no quotes as an argument. A leading = is a
// path search in zsh.
func isPlain(s string) bool {
	for i := range len(s) {
		if !isPlainByte(s[i]) {
			return false
		}
	}
	return s != "" && s[0] != '='
}

func isPlainByte(c byte) bool {
	return isNameByte(c) || strings.IndexByte("-./:,@%+=", c) >= 0
}

// isNameByte reports whether c may stand in the name of a shell variable.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
