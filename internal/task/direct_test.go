package task

import (
	"bytes"
	"math/rand"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDirect(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string // nil: a shell's
	}{
		{"gzip -9 a.txt", words("gzip", "-9", "a.txt")},
		{"  a\tb  ", words("a", "b")},
		{`a 'b c'"d e"f '' ""`, words("a", "b cd ef", "", "")},
		{"a --x=y =z A=1", words("a", "--x=y", "=z", "A=1")},
		{"a '$x `b` \\ \n'", words("a", "$x `b` \\ \n")},
		{"/bin/echo é%+:,@", words("/bin/echo", "é%+:,@")},
		{"'a b' c", words("a b", "c")},
		{"", nil},
		{"  ", nil},
		{"''", nil},
		{"'' a", nil},
		{"A=1 b", nil},
		{"'A=1' b", nil},
		{"echo a", nil},
		{"'if' a", nil},
		{"e'cho' a", nil},
		{"cd", nil},
		{"%1", nil},
		{"a\xff", nil},
		{"a\x00", nil},
		{"a\nb", nil},
		{"a\rb", nil},
		{`a "$b"`, nil},
		{`a "\b"`, nil},
		{"a \"`b`\"", nil},
		{`a \b`, nil},
		{"a 'b", nil},
		{`a "b`, nil},
	} {
		got, ok := Direct(tt.line)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != (tt.want != nil) {
			t.Errorf("%q: %v %s", tt.line, ok, diff)
		}
	}
	for _, c := range "|&;<>()$`\\*?[]#~!{}^" {
		if got, ok := Direct("a b" + string(c)); ok {
			t.Errorf("%q: got %q", c, got)
		}
	}
}

// Direct refuses all that bash itself calls a keyword or a builtin.
func TestDirectKnowsBuiltins(t *testing.T) {
	out, err := exec.Command("bash", "-c", "compgen -b -k").Output()
	if err != nil {
		t.Skip("no bash here")
	}
	for _, name := range strings.Fields(string(out)) {
		if _, ok := Direct(name + " x"); ok {
			t.Errorf("%s runs directly", name)
		}
	}
}

// Every accepted line means the same to all shells.
func TestDirectAgainstShells(t *testing.T) {
	for _, seed := range []int64{1, 2} {
		lines := directLines(rand.New(rand.NewSource(seed)), 4000)
		var script, want bytes.Buffer
		script.WriteString("f() { for a; do printf '%s\\000' \"$a\"; done; printf '\\000\\002\\000'; }\n")
		for _, l := range lines {
			script.WriteString("f " + l + "\n")
			argv, _ := Direct(l)
			for _, a := range argv {
				want.WriteString(a + "\x00")
			}
			want.WriteString("\x00\x02\x00")
		}
		for _, sh := range []string{"dash", "bash", "bash --posix", "env LC_ALL=C bash", "busybox sh", "zsh --emulate sh", "mksh"} {
			if argv := strings.Fields(sh); haveCommand(argv[0]) {
				c := exec.Command(argv[0], argv[1:]...)
				c.Stdin = bytes.NewReader(script.Bytes())
				out, err := c.Output()
				compareLines(t, sh, lines, out, want.Bytes(), err)
			}
		}
	}
}

// directLines returns n random lines that Direct accepts.
func directLines(r *rand.Rand, n int) []string {
	alphabet := []string{
		"'", "'", `"`, `"`, `\`, "$", "`", "\n", " ", " ", " ", "\t", "a", "b", "-", "=", "*", "~", "!", "#", ";", "|", "&",
		"<", ">", "(", ")", "{", "}", "[", "]", "?", "^", "%", "@", "+", ",", ".", "/", ":", "é", "日",
		"\u00a0", "\u3000", "\u2028", "\xff", "\x01", "\x7f", "\r", "\v", "\f", "if", "echo", "''", `""`,
	}
	var lines []string
	for len(lines) < n {
		var b strings.Builder
		if r.Intn(3) > 0 {
			b.WriteString("c ")
		}
		for range 1 + r.Intn(9) {
			b.WriteString(alphabet[r.Intn(len(alphabet))])
		}
		if _, ok := Direct(b.String()); ok {
			lines = append(lines, b.String())
		}
	}
	return lines
}

func compareLines(t *testing.T, shell string, lines []string, got, want []byte, err error) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	t.Errorf("%s: differs, %v", shell, err)
	g, w := bytes.Split(got, []byte("\x00\x02\x00")), bytes.Split(want, []byte("\x00\x02\x00"))
	for i := range w {
		if i >= len(g) || !bytes.Equal(g[i], w[i]) {
			t.Errorf("%s: line %q: got %q, want %q", shell, lines[i], g[min(i, len(g)-1)], w[i])
			return
		}
	}
}

func FuzzDirect(f *testing.F) {
	for _, s := range []string{"a b", "a 'b' \"c\"", "a | b", "echo", "'' x", "a\\", "\xff", "a=b c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := Direct(line)
		if !ok {
			return
		}
		if len(got) == 0 || got[0] == "" {
			t.Fatalf("%q: no command in %q", line, got)
		}
		// Nothing is lost but blanks and quotes.
		strip := strings.NewReplacer(" ", "", "\t", "", "'", "", `"`, "")
		if a, b := strip.Replace(line), strip.Replace(strings.Join(got, "")); a != b {
			t.Fatalf("%q: got %q", line, got)
		}
	})
}

func BenchmarkDirect(b *testing.B) {
	for b.Loop() {
		Direct(`convert -resize 50% "in put.png" 'out put.png' --flag=value --other x`)
	}
}
