package task

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSourceUsage(t *testing.T) {
	two := []Group{values("a"), values("b")}
	for _, tt := range []struct {
		name string
		spec SourceSpec
	}{
		{"stdin", SourceSpec{Files: []string{"-", "-"}}},
		{"stdin", SourceSpec{Files: []string{"-"}, Groups: []Group{{IsFile: true, File: "-"}}}},
		{"pair", SourceSpec{Groups: []Group{linked("a")}}},
		{"single source", SourceSpec{Groups: two, CSV: true}},
		{"single source", SourceSpec{Groups: two, Colsep: []byte(",")}},
		{"single source", SourceSpec{Groups: two, MaxArgs: 2}},
		{"single source", SourceSpec{Groups: two, Fill: true}},
		{"single source", SourceSpec{Groups: two, ToStdin: true}},
		{"single source", SourceSpec{Files: []string{"-"}, Groups: two[:1], CSV: true}},
		{"-n", SourceSpec{CSV: true, MaxArgs: 2}},
		{"-n", SourceSpec{Colsep: []byte(","), Fill: true}},
		{"--header", SourceSpec{Header: true, MaxArgs: 2}},
		{"newlines", SourceSpec{CSV: true, Delim: []byte{0}}},
		{"separator", SourceSpec{CSV: true, Colsep: []byte("::")}},
		{"separator", SourceSpec{CSV: true, Colsep: []byte(`"`)}},
		{"--block", SourceSpec{Block: 1}},
		{"-n 0", SourceSpec{ToStdin: true, NoRecord: true}},
		{"-n max", SourceSpec{ToStdin: true, Fill: true}},
		{"--block", SourceSpec{ToStdin: true, Block: 1, MaxArgs: 2}},
		{"--colsep", SourceSpec{ToStdin: true, Colsep: []byte(",")}},
	} {
		_, err := OpenSource(tt.spec)
		var ue *UsageError
		if !errors.As(err, &ue) || ue.Hint == "" || !strings.Contains(ue.Msg, tt.name) {
			t.Errorf("%+v: error %#v, want a UsageError on %s", tt.spec, err, tt.name)
		}
	}
}

// What cannot be read is known before anything runs.
func TestSourceFiles(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for name, want := range map[string]string{
		missing: "open " + missing + ": no such file or directory",
		dir:     "read " + dir + ": is a directory",
	} {
		for _, spec := range []SourceSpec{
			{Files: []string{"-", name}},
			{Groups: []Group{values("a"), {IsFile: true, File: name}}},
		} {
			if _, err := OpenSource(spec); err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		}
	}
}

func TestSourceErrors(t *testing.T) {
	csv := tempFile(t, "h\na\nb\"\nc\n")
	other := tempFile(t, "i\n1\n")
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, tt := range []struct {
		name  string
		stdin io.Reader
		spec  SourceSpec
		tasks string
		want  string
	}{
		{
			"read", io.MultiReader(strings.NewReader("a\nb\nc"), broken{}),
			SourceSpec{},
			"a b", "read stdin: no luck",
		},
		{"directory", dir, SourceSpec{}, "", "read stdin: is a directory"},
		{
			"read with -n", io.MultiReader(strings.NewReader("a\nb\nc\n"), broken{}),
			SourceSpec{MaxArgs: 2},
			"a|b", "read stdin: no luck",
		},
		{
			"csv", nil,
			SourceSpec{CSV: true, Header: true, Files: []string{csv}},
			"a", csv + ": record 3: " + errBareQuote.Error(),
		},
		{
			"csv not closed", strings.NewReader("a\n\"b\nc\n"),
			SourceSpec{CSV: true},
			"a", "stdin: record 2: " + errOpenQuote.Error(),
		},
		{
			"csv of words", nil,
			SourceSpec{CSV: true, Groups: []Group{values("a", `"b"c`)}},
			"a", "arguments: value 2: " + errAfterQuote.Error(),
		},
		{
			"headers", nil,
			SourceSpec{Header: true, Files: []string{csv, other}},
			`a b" c`, other + ": the header differs from that of the first input",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Stdin = tt.stdin
			got, err := drain(t, tt.spec)
			if s := strings.Join(got, " "); s != tt.tasks || err == nil || err.Error() != tt.want {
				t.Errorf("%s, %v; want %s, %s", s, err, tt.tasks, tt.want)
			}
		})
	}
}

// broken is a reader that fails, as a disk might.
type broken struct{}

func (broken) Read([]byte) (int, error) {
	return 0, &os.PathError{Op: "read", Path: "/dev/stdin", Err: errors.New("no luck")}
}

// A file that goes away later is an error in its turn.
func TestSourceFileGone(t *testing.T) {
	for _, hold := range []bool{false, true} {
		name := tempFile(t, "x\n")
		spec := SourceSpec{Files: []string{"-", name}, Stdin: strings.NewReader("a\n")}
		want := "a"
		if hold {
			spec.Files, spec.Groups, want = nil, []Group{values("a"), {IsFile: true, File: name}}, ""
		}
		s, err := OpenSource(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		got, err := drainSource(t, s)
		if text := "open " + name + ": no such file or directory"; err == nil || err.Error() != text {
			t.Errorf("error %v, want %s", err, text)
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("tasks %q before it, want %q", g, want)
		}
	}
}
