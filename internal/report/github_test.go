package report

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mpx/internal/task"
)

const (
	testToken = "0123456789abcdef0123456789abcdef"
	stopLine  = "\n::stop-commands::" + testToken + "\n" // the line before is not known
)

func newGitHub(t testing.TB, summary string) *GitHub {
	t.Helper()
	g, err := NewGitHub(GitHubOptions{Name: "mpx map", Command: recordText, Summary: summary})
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(g.token) {
		t.Errorf("token %q", g.token)
	}
	g.token = testToken
	return g
}

// github returns a Report on s, which runs in a job.
func github(t testing.TB, s *screen, with func(*Options)) *Report {
	o := s.options()
	o.GitHub = newGitHub(t, "")
	with(&o)
	return New(o)
}

func TestAnnotations(t *testing.T) {
	var s screen
	r := github(t, &s, func(*Options) {})
	bad := ended(1, task.Failed, 3, "", "\x1b[31mone%\x00\x1b[m\n\ttwo\r\nthree: a,b::c\xff")
	bad.Values = task.One([]byte("cmd 'a\n::error::'"))
	mustAdd(t, r, bad, ended(2, task.OK, 0, "", ""), ended(3, task.Cancelled, 0, "", ""), ended(4, task.Lost, 0, "", ""))
	s.err.Reset()
	mustClose(t, r)
	s.want(t, "", "\n::"+testToken+"::\n"+
		`::error title=mpx%3A task 1 failed (exit 3)::cmd 'a\n::error::'%0Aone%25\x00%0A    two%0Athree: a,b::c\xff`+"\n"+
		"::error title=mpx%3A task 4 failed (lost)::4\n")
}

// GitHub shows ten: the last place tells how many have none.
func TestAnnotationsMany(t *testing.T) {
	for n, want := range map[int]string{0: "", 10: "task 10 failed", 11: "and 2 more", 5000: "and 4%2C991 more"} {
		var s screen
		r := github(t, &s, func(*Options) {})
		for seq := range n {
			mustAdd(t, r, ended(uint64(seq+1), task.Failed, 1, "", ""))
		}
		mustClose(t, r)
		lines := strings.Split(strings.TrimSpace(s.err.String()), "\n")
		if len(lines) > maxAnnotations || !strings.Contains(lines[len(lines)-1], want) {
			t.Errorf("%d failures: %d lines, the last %q", n, len(lines), lines[len(lines)-1])
		}
	}
}

func TestAnnotationSize(t *testing.T) {
	g := newGitHub(t, "")
	bad := ended(1, task.Failed, 1, "", strings.Repeat("\x00é\n", 4000))
	bad.Values = task.One([]byte(strings.Repeat("é\x00", 100_000)))
	mustRecord(t, g, bad)
	if lines := g.annotations(&Summary{By: [task.Cancelled + 1]int{task.Failed: 1}}); len(lines) != 1 || len(lines[0]) > 4096 {
		t.Errorf("%d lines, the first of %d bytes", len(lines), len(lines[0]))
	}
}

func TestStepSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s screen
	r := github(t, &s, func(o *Options) { o.GitHub = newGitHub(t, path) })
	bad := ended(2, task.Signalled, 9, "", "<b>|*\n\n`@you`")
	bad.Values = task.One([]byte("</code>#1"))
	mustAdd(t, r, result(1, "", ""), bad)
	mustClose(t, r)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`[0-9.]+ \|\n\n`).ReplaceAllString(string(b), "S |\n\n")
	want := `before

### mpx map: 1 of 2 tasks failed

| tasks | ok | failed | signalled | timeout | lost | skipped | cancelled | seconds |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| 2 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | S |

<table>
<tr><th>task</th><th>how</th><th>seconds</th><th>command</th><th>stderr</th></tr>
<tr><td>2</td><td>SIGKILL</td><td>0.000</td><td><code>&#60;/code&#62;&#35;1</code></td><td><pre>&#60;b&#62;&#124;&#42;&#10;&#10;&#96;&#64;you&#96;</pre></td></tr>
</table>
`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStepSummaryUnwritable(t *testing.T) {
	var s screen
	r := github(t, &s, func(o *Options) { o.GitHub = newGitHub(t, "/nosuch/file") })
	if _, err := r.Close(); err == nil || !strings.Contains(err.Error(), "/nosuch/file") {
		t.Errorf("Close says %v", err)
	}
}

// The section stays small, whatever there is to be escaped.
func TestStepSummarySize(t *testing.T) {
	g := newGitHub(t, "")
	for seq := range uint64(20) {
		bad := ended(seq+1, task.Failed, 1, "", strings.Repeat("<", 5000))
		bad.Values = task.One([]byte(strings.Repeat("|", 5000)))
		mustRecord(t, g, bad)
	}
	b := string(g.appendSummary(nil, &Summary{Total: 20, By: [task.Cancelled + 1]int{task.Failed: 20}}))
	rows := strings.Count(b, "<tr><td>")
	if len(b) > 64<<10 || rows == 0 || !strings.HasSuffix(b, fmt.Sprintf("</table>\n\nand %d more\n", 20-rows)) {
		t.Errorf("%d bytes, %d rows, the end %q", len(b), rows, b[len(b)-30:])
	}
}

// A row is one line without a character of the task's that Markdown or HTML
// gives a meaning to, and tells what the task said.
func TestSummaryRowProperty(t *testing.T) {
	cells := regexp.MustCompile(`^<tr><td>1</td><td>exit 1</td><td>0\.000</td><td><code>([^<>"'|*_#@$:\x60\[\]!\\\n~]*)</code></td><td><pre>([^<>"'|*_@$:\x60\[\]!\\\n~]*)</pre></td></tr>\n$`)
	rapid.Check(t, func(t *rapid.T) {
		f := toldFailure{stderr: lastLines(string(rapid.SliceOf(rapid.Byte()).Draw(t, "stderr")))}
		f.Seq, f.How = 1, "exit 1"
		f.Command = plain(rapid.String().Draw(t, "command"), maxTold)
		row := string(f.row())
		// References are all that # may stand in.
		m := cells.FindStringSubmatch(regexp.MustCompile(`&#([0-9]+);`).ReplaceAllString(row, `&$1;`))
		if m == nil {
			t.Fatalf("row %q", row)
		}
		refs := regexp.MustCompile(`&([0-9]+);`)
		for i, want := range []string{f.Command, f.stderr} {
			if got := html.UnescapeString(refs.ReplaceAllString(m[i+1], `&#$1;`)); got != want {
				t.Fatalf("cell says %q, want %q", got, want)
			}
		}
	})
}
