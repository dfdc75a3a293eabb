package task

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newTask returns task 7 with the given values.
func newTask(values ...string) *Task {
	t := &Task{Seq: 7}
	var vs [][]byte
	for _, v := range values {
		vs = append(vs, []byte(v))
	}
	if len(vs) == 1 {
		t.Values = One(vs[0])
	} else {
		t.Values = List(vs...)
	}
	return t
}

func mustCompile(t testing.TB, s Spec) *Template {
	t.Helper()
	tp, err := Compile(s)
	if err != nil {
		t.Fatalf("Compile(%+v): %v", s, err)
	}
	return tp
}

func mustArgv(t testing.TB, tp *Template, tk *Task) []string {
	t.Helper()
	argv, err := tp.Argv(tk, 3)
	if err != nil {
		t.Fatalf("Argv: %v", err)
	}
	return argv
}

func usageOf(t *testing.T, s Spec) *UsageError {
	t.Helper()
	_, err := Compile(s)
	var u *UsageError
	if !errors.As(err, &u) {
		t.Fatalf("Compile(%+v) = %v, want a usage error", s, err)
	}
	return u
}

func words(w ...string) []string { return w }

func TestArgvWords(t *testing.T) {
	two := Spec{MultiValue: true, Columns: 2}
	cols := Spec{MultiValue: true}
	many := Spec{MultiValue: true, Many: true}
	named := Spec{MultiValue: true, Columns: 3, Names: words("a", "a.", "q")}
	file := words("dir.d/x.tar.gz")
	for _, tt := range []struct {
		name   string
		spec   Spec
		words  []string
		values []string
		want   []string
	}{
		{"appended", Spec{}, words("echo", "x"), words("a b"), words("echo", "x", "a b")},
		{"appended empty", Spec{}, words("echo", "x"), words(""), words("echo", "x", "")},
		{"record", Spec{}, words("echo", "-{}-", "{}"), words("{.}"), words("echo", "-{.}-", "{.}")},
		{
			"forms",
			Spec{},
			words("c", "{.}", "{/}", "{//}", "{/.}", "{q}"), file,
			words("c", "dir.d/x.tar", "x.tar.gz", "dir.d", "x.tar", "dir.d/x.tar.gz"),
		},
		{"quoted", Spec{}, words("ssh", "h", "cat {q}"), words("it's"), words("ssh", "h", `cat 'it'\''s'`)},
		{"numbers append", Spec{}, words("c", "{#}", "{%}"), words("r"), words("c", "7", "3", "r")},
		{"first", Spec{}, words("c", "{1}", "{1.}"), words("a.b"), words("c", "a.b", "a")},
		{
			"text",
			Spec{},
			words("awk", "{print $1}", "{a,b}", "a{2}", "${}", "{{}}", "${{ {} }}", "{01}", "{0}", "{", "{}}"), words("r"),
			words("awk", "{print $1}", "{a,b}", "a{2}", "${}", "{{}}", "${{ {} }}", "{01}", "{0}", "{", "r}"),
		},
		{
			"columns", cols, words("c", "{2}", "{1}{3}", "{}", "{3.}"), words("a", "b.c"),
			words("c", "b.c", "a", "a b.c", ""),
		},
		{
			"column forms", cols, words("c", "{.}", "x{/}", "{q}", "{2/}", "{2//}", "{2/.}", "{2q}"), words("a.b", "/c/d e.f"),
			words("c", "a /c/d e", "xa.b d e.f", "a.b '/c/d e.f'", "d e.f", "/c", "d e", "'/c/d e.f'"),
		},
		{"known columns", two, words("c", "{2}", "{3}"), words("a", "b"), words("c", "b", "{3}")},
		{"starmap", cols, words("c", "x"), words("a", "b c", ""), words("c", "x", "a", "b c", "")},
		{
			"names", named, words("c", "{a}", "{a.}", "{a..}", "{aq}", "{q}", "{b}"), words("x.y", "z.w", "3"),
			words("c", "x.y", "z.w", "z", "x.y", "x.y z.w 3", "{b}"),
		},
		{
			"many", many, words("cat", "{}", "{/}", "-n", "{2}"), words("a/b", "c", "d"),
			words("cat", "a/b", "c", "d", "b", "c", "d", "-n", "c"),
		},
		{"many quoted", many, words("ssh", "h", "cat {q}"), words("a b", "c"), words("ssh", "h", "cat 'a b' c")},
		{
			"-I",
			Spec{Replace: "FILE"},
			words("c", "FILE.FILE", "{}", "{.}", "$FILE"), words("a"),
			words("c", "a.a", "{}", "{.}", "$a"),
		},
		{"-I appended", Spec{Replace: "FILE"}, words("c", "{}"), words("a"), words("c", "{}", "a")},
		{"omit", Spec{Omit: true}, words("c", "{}", "[{}]", "{#}"), words("a"), words("c", "[]", "7")},
		{"omit plain", Spec{Omit: true}, words("c", "x"), words("a"), words("c", "x")},
		{"stdin", Spec{ToStdin: true}, words("c", "{#}"), nil, words("c", "7")},
		{"placeholder command", Spec{}, words("{}", "x"), words("./a b"), words("./a b", "x")},
		{"empty word", Spec{}, words("c", "", "{}"), words("a"), words("c", "", "a")},
		{"--shell leaves words", Spec{Shell: words("bash")}, words("c", "x"), words("a"), words("c", "x", "a")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Words = tt.words
			tp := mustCompile(t, tt.spec)
			tk := newTask(tt.values...)
			if diff := cmp.Diff(tt.want, mustArgv(t, tp, tk)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want, tp.DisplayWords(tk, 3)); diff != "" {
				t.Error("DisplayWords:", diff)
			}
		})
	}
}

// The wanted forms are what GNU parallel 20221122 prints.
func TestForms(t *testing.T) {
	tp := mustCompile(t, Spec{Words: words("c", "{.}", "{/}", "{//}", "{/.}")})
	for _, tt := range [][5]string{
		{".bashrc", "", ".bashrc", ".", ""},
		{"a/.bashrc", "a/", ".bashrc", "a", ""},
		{"a.b.c", "a.b", "a.b.c", ".", "a.b"},
		{"dir.d/x", "dir.d/x", "x", "dir.d", "x"},
		{"", "", "", ".", ""},
		{"/", "/", "", "/", ""},
		{"//", "//", "", "/", ""},
		{"a/", "a/", "", ".", ""},
		{"a//", "a//", "", ".", ""},
		{"x.", "x", "x.", ".", "x"},
		{".", "", ".", ".", ""},
		{"..", ".", "..", ".", "."},
		{"a/..", "a/.", "..", "a", "."},
		{"/x", "/x", "x", "/", "x"},
		{"./x", "./x", "x", ".", "x"},
		{"a//b", "a//b", "b", "a", "b"},
		{"a/b/", "a/b/", "", "a", ""},
		{"/a/", "/a/", "", "/", ""},
		{"a.b/", "a.b/", "", ".", ""},
		{".a.b", ".a", ".a.b", ".", ".a"},
		{"a.", "a", "a.", ".", "a"},
		{"../x.y", "../x", "x.y", "..", "x"},
		{"a\nb/c\n.d", "a\nb/c\n", "c\n.d", "a\nb", "c\n"},
	} {
		if diff := cmp.Diff(tt[1:], mustArgv(t, tp, newTask(tt[0]))[1:]); diff != "" {
			t.Errorf("%q: %s", tt[0], diff)
		}
	}
}

func TestDirectLines(t *testing.T) {
	for _, tt := range []struct {
		spec   Spec
		line   string
		values []string
		want   []string
	}{
		{Spec{}, "gzip", words("a b"), words("gzip", "a b")},
		{
			Spec{},
			"convert '{}' -resize 50% \"{.}.png\" x{}y", words("a b.c"),
			words("convert", "a b.c", "-resize", "50%", "a b.png", "xa b.cy"),
		},
		{Spec{}, "c ''", words("a"), words("c", "", "a")},
		{Spec{MultiValue: true}, "c {2} {1}", words("a", "b"), words("c", "b", "a")},
		{Spec{MultiValue: true, Many: true}, "c {} x", words("a", "b"), words("c", "a", "b", "x")},
		{Spec{NoShell: true}, "echo {}", words("a"), words("echo", "a")},
		{Spec{NoShell: true}, "{} x", words("a"), words("a", "x")},
		{Spec{ToStdin: true}, "wc -l", nil, words("wc", "-l")},
	} {
		tt.spec.Words = words(tt.line)
		tp := mustCompile(t, tt.spec)
		if diff := cmp.Diff(tt.want, mustArgv(t, tp, newTask(tt.values...))); diff != "" {
			t.Errorf("%q: %s", tt.line, diff)
		}
	}
}

func TestRecordLines(t *testing.T) {
	for _, tt := range []struct {
		spec Spec
		line string
		want []string
	}{
		{Spec{}, "cat 'a b' {}", words("sh", "-c", "cat 'a b' {}")},
		{Spec{}, "cat 'a b'", words("cat", "a b")},
		{Spec{}, "echo a", words("sh", "-c", "echo a")},
		{Spec{}, "a | b", words("sh", "-c", "a | b")},
		{Spec{Shell: words("bash", "-e", "-c")}, "cat a", words("bash", "-e", "-c", "cat a")},
		{Spec{NoShell: true}, "echo a", words("echo", "a")},
	} {
		tp := mustCompile(t, tt.spec)
		if diff := cmp.Diff(tt.want, mustArgv(t, tp, newTask(tt.line))); diff != "" {
			t.Errorf("%q: %s", tt.line, diff)
		}
	}
	if got := mustCompile(t, Spec{}).Display(newTask("a  | b"), 1); got != "a  | b" {
		t.Errorf("Display = %q", got)
	}
	if got := mustCompile(t, Spec{Shell: words("bash", "-e")}).Display(newTask("a | b"), 1); got != "bash -e -c 'a | b'" {
		t.Errorf("Display = %q", got)
	}
}

func TestRecordErrors(t *testing.T) {
	long := strings.Repeat("x", maxArg+1)
	for _, tt := range []struct {
		spec  Spec
		value string
		want  string
	}{
		{Spec{Words: words("c", "x")}, "a\x00b", "NUL"},
		{Spec{Words: words("c | d")}, "a\x00b", "NUL"},
		{Spec{}, "a\x00b", "NUL"},
		{Spec{Words: words("c", "{}")}, long, "131072 bytes"},
		{Spec{Words: words("c {} | d")}, long, "131072 bytes"},
		{Spec{NoShell: true}, "a | b", "--no-shell"},
	} {
		_, err := mustCompile(t, tt.spec).Argv(newTask(tt.value), 1)
		var r *RecordError
		if !errors.As(err, &r) || !strings.Contains(r.Error(), tt.want) || r.Hint == "" {
			t.Errorf("%+v: %v", tt.spec, err)
		}
	}
	mustArgv(t, mustCompile(t, Spec{Words: words("c", "{}")}), newTask(long[1:]))
}

func TestUsageErrors(t *testing.T) {
	many := Spec{MultiValue: true, Many: true}
	for _, tt := range []struct {
		spec      Spec
		words     []string
		msg, hint string
	}{
		{Spec{}, words(""), "empty", ""},
		{Spec{}, words(" ", "x"), "empty", ""},
		{Spec{ToStdin: true}, nil, "--stdin", ""},
		{Spec{Omit: true}, nil, "-n", ""},
		{many, nil, "-n", ""},
		{Spec{MultiValue: true}, nil, "columns", ""},
		{Spec{Names: words("a")}, nil, "columns", ""},
		{Spec{Replace: "X"}, nil, "-I", ""},
		{Spec{NoShell: true, Shell: words("sh")}, words("a"), "exclude", ""},
		{Spec{NoShell: true}, words("a | b"), "--no-shell", ""},
		{Spec{NoShell: true}, words("A=1 b"), "--no-shell", ""},
		{Spec{ToStdin: true}, words("c", "{}"), "--stdin", "-I"},
		{Spec{ToStdin: true}, words("c {} | d"), "--stdin", "-I"},
		{Spec{ToStdin: true}, words("c", "{1.}"), "--stdin", "-I"},
		{many, words("c", "x{}"), "longer word", "{1}"},
		{many, words("c", "x{.}"), "longer word", "{1.}"},
		{many, words("c x{}"), "longer word", "{1}"},
		{many, words("c x{} | d"), "longer word", "{1}"},
		{many, words("c {.} | d"), "longer word", "{1.}"},
		{many, words("f() { c {}; }; f"), "functions", `"$@"`},
		{Spec{Shell: words("fish")}, words("c {}"), "fish", "POSIX"},
	} {
		tt.spec.Words = tt.words
		u := usageOf(t, tt.spec)
		if !strings.Contains(u.Error(), tt.msg) || !strings.Contains(u.Hint, tt.hint) {
			t.Errorf("%q: %q, hint %q", tt.words, u.Msg, u.Hint)
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		spec   Spec
		text   string
		values []string
		want   string
	}{
		{Spec{}, "logs/{/.}", words("a/b.c"), "logs/b"},
		{Spec{}, "{#}:{%}: ", words("a"), "7:3: "},
		{Spec{}, "plain", words("a"), "plain"},
		{Spec{MultiValue: true, Many: true}, "[{}]", words("a", "b"), "[a b]"},
		{Spec{Omit: true}, "[{}]", words("a"), "[a]"},
		{Spec{ToStdin: true}, "{#} {2}", nil, "7 {2}"},
		{Spec{Replace: "X"}, "X {}", words("a\x00b"), "a\x00b {}"},
	} {
		x, err := CompileText(tt.text, tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(x.Render(newTask(tt.values...), 3)); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
	_, err := CompileText("{}", Spec{ToStdin: true})
	var u *UsageError
	if !errors.As(err, &u) {
		t.Errorf("records of --stdin: %v", err)
	}
}

func TestSpecJSON(t *testing.T) {
	s := Spec{
		Words: words("caf\xe9", "", "{}"), Replace: "\xff", Shell: words("bash", "-e"), NoShell: true,
		Names: words("n\xe4me"), ToStdin: true, Omit: true, Many: true, Columns: 3, MultiValue: true,
	}
	for _, s := range []Spec{s, {}, {Words: words("a")}} {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got Spec
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLogName(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"c {#} {}", "c '{#}' 'a b'"},
		{"c {#} '{%}' {} | d", "c {#} '{%}' 'a b' | d"},
		{"c $1 {#}", "sh -c 'c $1 {#}' sh 'a b'"},
	} {
		tp := mustCompile(t, Spec{Words: words(tt.line)})
		a, b := newTask("a b"), newTask("a b")
		b.Seq = 99
		if got := tp.LogName(a); got != tt.want || tp.LogName(b) != got {
			t.Errorf("%q: %q, want %q", tt.line, got, tt.want)
		}
	}
}

func BenchmarkArgv(b *testing.B) {
	tp := mustCompile(b, Spec{Words: words("convert", "-resize", "50%", "{}", "{.}.png")})
	tk := newTask("dir/picture.jpg")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tp.Argv(tk, 1); err != nil {
			b.Fatal(err)
		}
	}
}
