package report

import "bytes"

// What makes the runner of GitHub Actions take a line for a command: it begins,
// after blanks, with the first, or has the second anywhere (ActionCommand.cs of
// github.com/actions/runner).
var newCommand, oldCommand = []byte("::"), []byte("##[")

// maxSent is how much of what is written can be the beginning of either.
const maxSent = 2

// A commandGuard keeps the runner from obeying what tasks print: before the
// first bytes that might be a command it writes one that stops commands until
// a word comes which no task knows. It goes to stderr, since stdout may be
// somebody's input; where stderr is not the runner's, it protects nothing.
type commandGuard struct {
	out, err *stream
	token    string
	stopped  bool
	foreign  bool   // tasks write for themselves
	sent     []byte // the last bytes written to both, which may be one pipe
}

// guardCommands makes the guard. Where tasks write for themselves, commands
// are stopped from the beginning.
func (r *Report) guardCommands() {
	g := &commandGuard{out: &r.out, err: &r.err, token: r.o.GitHub.token, foreign: r.o.Mode == Ungrouped}
	r.out.guard, r.err.guard, r.o.GitHub.guard = g, g, g
	if g.foreign {
		g.stop()
	}
}

// watch sees p before it is written to s.
func (g *commandGuard) watch(s *stream, p []byte) {
	if !g.stopped && (hasCommand(p) || joins(s.sent, p) || joins(g.sent, p)) {
		g.stop()
		if s == g.out && len(g.err.buf) == 0 {
			g.err.bol = true
		}
	}
	s.sent = lastBytes(s.sent, p)
	g.sent = lastBytes(g.sent, p)
}

func hasCommand(p []byte) bool {
	return bytes.Contains(p, newCommand) || bytes.Contains(p, oldCommand)
}

// joins says whether a command begins in sent and goes on in p.
func joins(sent, p []byte) bool {
	var edge [2 * maxSent]byte
	n := copy(edge[:], sent)
	n += copy(edge[n:], p[:min(len(p), maxSent)])
	return hasCommand(edge[:n])
}

// lastBytes adds p to sent and keeps the end.
func lastBytes(sent, p []byte) []byte {
	sent = append(sent, p[max(0, len(p)-maxSent):]...)
	return append(sent[:0], sent[max(0, len(sent)-maxSent):]...)
}

// stop has the runner ignore commands. What is buffered comes after it.
func (g *commandGuard) stop() {
	g.stopped = true
	g.line("::stop-commands::" + g.token)
	settle(g.err.w)
}

// resume has the runner obey again, when all that tasks wrote is written.
func (g *commandGuard) resume() {
	if !g.stopped {
		return
	}
	settle(g.out.w)
	if g.foreign { // nobody knows how they left the line
		g.put("\n")
	}
	g.line("::" + g.token + "::")
	g.stopped = false
}

// line writes a line to stderr that is a command. It begins one whether stdout
// is the same pipe or not, and whatever stood there before mpx.
func (g *commandGuard) line(text string) {
	if !endsLine(g.err.sent) || !endsLine(g.sent) {
		g.put("\n")
	}
	g.put(text + "\n")
}

func endsLine(sent []byte) bool { return len(sent) > 0 && sent[len(sent)-1] == '\n' }

func (g *commandGuard) put(text string) {
	g.err.put([]byte(text))
	g.err.sent = lastBytes(g.err.sent, []byte(text))
	g.sent = lastBytes(g.sent, []byte(text))
}
