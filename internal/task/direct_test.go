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
		for _, sh := range []string{"dash", "bash", "bash --posix", "env LC_ALL=C bash", "busybox sh", "zsh --emulate sh"} {
			compareLines(t, sh, lines)
		}
		compareLines(t, "mksh", lines[:300]) // its printf is a program, and slow
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

// compareLines has a shell print the words of each line.
func compareLines(t *testing.T, shell string, lines []string) {
	t.Helper()
	command := strings.Fields(shell)
	if !haveCommand(command[0]) {
		return
	}
	var script bytes.Buffer
	script.WriteString("f() { printf '%s\\000' \"$@\" '\002'; }\n")
	for _, l := range lines {
		script.WriteString("f " + l + "\n")
	}
	c := exec.Command(command[0], command[1:]...)
	c.Stdin = &script
	out, err := c.Output()
	for _, l := range lines {
		argv, _ := Direct(l)
		want := []byte(strings.Join(argv, "\x00") + "\x00\002\x00")
		if !bytes.HasPrefix(out, want) {
			t.Errorf("%s, line %q: want %q, got %.60q, %v", shell, l, want, out, err)
			return
		}
		out = out[len(want):]
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
