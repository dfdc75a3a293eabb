package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNotices is how many different notices are shown. More are a flood that
// buries the tasks' own output.
const maxNotices = 20

type notices struct {
	shown  int
	count  map[string]int // how often each of those shown came
	order  []string
	capped bool
}

// Notice tells the user note, once however often it comes, and its remedy hint
// ("": there is none).
func (r *Report) Notice(note, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notice(note, hint, false)
}

// Line prints one line, without its newline, to stderr: what mpx itself says while
// tasks run, such as the commands of --verbose. On a terminal it is spelled out.
func (r *Report) Line(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.o.Screen {
		line = visible(line)
	}
	r.tell("", line)
	r.err.flush()
}

// notice shows note unless it has been; every one that is unique is news.
func (r *Report) notice(note, hint string, unique bool) {
	n := &r.notices
	if !unique && n.count[note] > 0 {
		n.count[note]++
		return
	}
	if n.shown == maxNotices {
		if !n.capped {
			n.capped = true
			r.say("further notices are not shown")
		}
		return
	}
	n.shown++
	if !unique {
		if n.count == nil {
			n.count = map[string]int{}
		}
		n.count[note] = 1
		n.order = append(n.order, note)
	}
	r.say(note)
	if hint != "" {
		r.say("hint: " + hint)
	}
}

// closeNotices says how often notices came that were shown once.
func (r *Report) closeNotices() {
	for _, note := range r.notices.order {
		if more := r.notices.count[note] - 1; more > 0 {
			r.say(fmt.Sprintf("(and %s more like: %s)", commas(more), note))
		}
	}
	r.notices = notices{}
}

// say prints text to stderr, the name before each of its lines.
func (r *Report) say(text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		r.tell(r.o.ErrName+": ", visible(line))
	}
	r.err.flush()
}

// tell prints one line of mpx's own. It never goes on a task's line.
func (r *Report) tell(prefix, line string) {
	r.out.flush()
	r.err.begin(0)
	r.err.endLine()
	_, _ = r.err.Write([]byte(prefix + line + "\n"))
}

// visible returns s with what could move the cursor or colour the screen, and
// bytes that are no text, spelled out: records stand in notices and commands.
func visible(s string) string { return spellOut(s, hidden) }

// spellOut returns s with the characters that are hidden, and bytes that are no
// text, spelled out as in Go's strings.
func spellOut(s string, hidden func(rune) bool) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b []byte
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		switch {
		case c == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, `\x%02x`, s[0])
		case hidden(c):
			q := strconv.AppendQuoteRune(nil, c)
			b = append(b, q[1:len(q)-1]...)
		default:
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
	return string(b)
}

func hidden(c rune) bool { return !unicode.IsGraphic(c) }

// commas returns n with a comma between thousands.
func commas(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
