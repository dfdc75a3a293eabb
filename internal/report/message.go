package report

import (
	"bytes"
	"io"
	"strings"
)

// A Messages takes what mpx itself says, which may have words in it that are a user's: a
// record, a command, the name of a file, what an initializer has printed. Of data that
// goes through mpx nothing passes here.
type Messages struct {
	W io.Writer
	// Terminal says whether W is one; nil: it is not. What would move its cursor,
	// colour it or have it answer is spelled out, as in the summary. A file or a pipe
	// has the text as it is.
	Terminal func() bool
	// GitHub says that the runner of GitHub Actions reads W: no line is a command.
	GitHub bool
}

// Write takes a whole message.
func (m *Messages) Write(p []byte) (int, error) {
	text := string(p)
	if m.Terminal != nil && m.Terminal() {
		text = onScreen(text)
	}
	if m.GitHub {
		text = noCommands(text)
	}
	if _, err := io.WriteString(m.W, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// onScreen returns text, lines of it, as a terminal is to show it.
func onScreen(text string) string {
	return spellOut(text, func(c rune) bool { return c != '\n' && c != '\t' && hidden(c) })
}

// Screen returns a line, without its newline, as a terminal is to show it: it stays one.
func Screen(line string) string { return visible(line) }

// noCommands returns text without what the runner of GitHub Actions obeys.
func noCommands(text string) string {
	text = strings.ReplaceAll(text, string(oldCommand), "## [")
	if !strings.Contains(text, string(newCommand)) {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest := bytes.TrimSpace([]byte(line))
		if bytes.HasPrefix(rest, newCommand) {
			line = strings.Replace(line, string(newCommand), ": :", 1)
		}
		b.WriteString(line)
	}
	return b.String()
}
