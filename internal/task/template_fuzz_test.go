package task

import (
	"slices"
	"strings"
	"testing"
)

// fuzzSpecs are the ways to read a command that FuzzCompile tries.
var fuzzSpecs = []Spec{
	{},
	{Shell: words("bash", "-e")},
	{NoShell: true},
	{Replace: "{}"},
	{Replace: "a"},
	{MultiValue: true},
	{MultiValue: true, Columns: 2, Names: words("a", "a}", "q.")},
	{MultiValue: true, Many: true},
	{ToStdin: true},
	{Omit: true},
}

// FuzzCompile compiles anything. What compiles renders, and a script is the
// same whatever the record.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"a {} | b", "a '{.}' \"$({})\"", "case {} in a) b;; esac", "cat <<E\n{}\nE", "((1+{#}))", "$'\\''{}",
		"a $(b `c \\`d\\``)", "sh -c '{}'", "eval {q}", "{{}} ${{} {a.} {12}", "[[ ( a =~ (b) ) ]] # {}", "a[{}]=(b c)",
	} {
		f.Add(s, "x", "a b", "'$(touch X)'")
	}
	f.Fuzz(func(t *testing.T, line, word, a, b string) {
		a, b = strings.ReplaceAll(a, "\x00", ""), strings.ReplaceAll(b, "\x00", "")
		for _, s := range fuzzSpecs {
			for _, command := range [][]string{{line}, {line, word}, {word, line}, nil} {
				s.Words = command
				tp, err := Compile(s)
				if err != nil {
					continue
				}
				fuzzTemplate(t, tp, newTask(a, b), newTask(b, a))
			}
		}
		if x, err := CompileText(line, Spec{}); err == nil {
			x.Render(newTask(a), 1)
		}
	})
}

func fuzzTemplate(t *testing.T, tp *Template, one, other *Task) {
	x, errX := tp.Argv(one, 1)
	y, errY := tp.Argv(other, 1)
	tp.Display(one, 1)
	tp.LogName(one)
	shown := tp.DisplayWords(one, 1)
	if errX != nil || errY != nil {
		return
	}
	if tp.words != nil && !slices.Equal(x, shown) {
		t.Fatalf("%q: runs %q, shows %q", tp.spec.Words, x, shown)
	}
	if tp.line != nil && !slices.Equal(x[:len(tp.line.command)], y[:len(tp.line.command)]) {
		t.Fatalf("%q: the script depends on the record: %q, %q", tp.spec.Words, x, y)
	}
}
