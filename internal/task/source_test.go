package task

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// drain returns the tasks of spec, each as its values joined by "|" or, with
// ToStdin, as "<" and its standard input; and the error that ended them, nil
// for io.EOF.
func drain(t testing.TB, spec SourceSpec) ([]string, error) {
	t.Helper()
	s, err := OpenSource(spec)
	if err != nil {
		return nil, err
	}
	return drainSource(t, s)
}

func drainSource(t testing.TB, s *Source) (got []string, err error) {
	t.Helper()
	for {
		tasks, err := s.Next()
		if err != nil {
			if _, again := s.Next(); !errors.Is(again, err) {
				t.Errorf("Next after %v says %v", err, again)
			}
			if cerr := s.Close(); cerr != nil {
				t.Errorf("Close: %v", cerr)
			}
			if err == io.EOF {
				err = nil
			}
			return got, err
		}
		if len(tasks) == 0 {
			t.Fatal("Next returned neither tasks nor an error")
		}
		for i := range tasks {
			if want := uint64(len(got) + 1); tasks[i].Seq != want {
				t.Fatalf("task number %d, want %d", tasks[i].Seq, want)
			}
			got = append(got, show(&tasks[i]))
		}
	}
}

func show(t *Task) string {
	if t.FromStdin {
		return "<" + string(t.Stdin)
	}
	if t.Values.Len() == 0 {
		return "(none)"
	}
	var words []string
	for i := range t.Values.Len() {
		words = append(words, string(t.Values.At(i)))
	}
	return strings.Join(words, "|")
}

// tempFile returns the name of a new file that holds text.
func tempFile(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func values(words ...string) Group { return Group{Values: words} }

func linked(words ...string) Group { return Group{Values: words, Linked: true} }

func TestSource(t *testing.T) {
	one := tempFile(t, "a\nb")
	two := tempFile(t, "c\n")
	none := tempFile(t, "")
	for _, tt := range []struct {
		name  string
		stdin string
		spec  SourceSpec
		want  []string
	}{
		{name: "no input"},
		{name: "lines", stdin: "a b\nc\r\n", want: []string{"a b", "c\r"}},
		{name: "last without delimiter", stdin: "a\nb", want: []string{"a", "b"}},
		{name: "empty records", stdin: "\n\na\n\n", want: []string{"", "", "a", ""}},
		{name: "skip empty", stdin: "\n \na\n\n", spec: SourceSpec{SkipEmpty: true}, want: []string{" ", "a"}},
		{name: "skip blank", stdin: "\n \t\n a\n\n", spec: SourceSpec{SkipBlank: true}, want: []string{" a"}},
		{name: "NUL", stdin: "a\nb\x00c\x00", spec: SourceSpec{Delim: []byte{0}}, want: []string{"a\nb", "c"}},
		{name: "long delimiter", stdin: "a--b---c-", spec: SourceSpec{Delim: []byte("--")}, want: []string{"a", "b", "-c-"}},
		{name: "small batches", stdin: "a\nb\nc\n", spec: SourceSpec{MaxBatch: 2}, want: []string{"a", "b", "c"}},

		{name: "files", spec: SourceSpec{Files: []string{one, none, two}}, want: []string{"a", "b", "c"}},
		{name: "file and stdin", stdin: "x\n", spec: SourceSpec{Files: []string{two, "-", one}}, want: []string{"c", "x", "a", "b"}},
		{name: "words", stdin: "x\n", spec: SourceSpec{Groups: []Group{values("a\nb", "", "c")}}, want: []string{"a\nb", "", "c"}},
		{name: "no words", stdin: "x\n", spec: SourceSpec{Groups: []Group{values()}}},

		{name: "n", stdin: "a\nb\nc\n", spec: SourceSpec{MaxArgs: 2}, want: []string{"a|b", "c"}},
		{name: "n over files", spec: SourceSpec{Files: []string{one, two}, MaxArgs: 2}, want: []string{"a|b", "c"}},
		{name: "n skips", stdin: "a\n\nb\n\n\nc\n", spec: SourceSpec{MaxArgs: 2, SkipEmpty: true}, want: []string{"a|b", "c"}},
		{name: "n of words", spec: SourceSpec{MaxArgs: 2, Groups: []Group{values("a", "b", "c")}}, want: []string{"a|b", "c"}},
		{name: "n 0", stdin: "a\nb\n", spec: SourceSpec{NoRecord: true}, want: []string{"(none)", "(none)"}},
		{name: "n 0 of combinations", spec: SourceSpec{NoRecord: true, Groups: []Group{values("a"), values("b", "c")}}, want: []string{"(none)", "(none)"}},

		{name: "colsep", stdin: "a,b,,c\n,\n\n", spec: SourceSpec{Colsep: []byte(",")}, want: []string{"a|b||c", "|", ""}},
		{name: "long colsep", stdin: "a::b:c\n", spec: SourceSpec{Colsep: []byte("::")}, want: []string{"a|b:c"}},
		{name: "blanks", stdin: " a \t b\n\n  \nc\n", spec: SourceSpec{Colsep: []byte(" ")}, want: []string{"a|b", "", "", "c"}},
		{name: "colsep of words", spec: SourceSpec{Colsep: []byte("="), Groups: []Group{values("a=1", "b=2")}}, want: []string{"a|1", "b|2"}},
		{name: "colsep skips", stdin: "a,b\n\nc\n", spec: SourceSpec{Colsep: []byte(","), SkipEmpty: true}, want: []string{"a|b", "c"}},
		{name: "csv", stdin: "a,\"b,\"\"x\"\"\r\n\",\r\n\nc", spec: SourceSpec{CSV: true}, want: []string{"a|b,\"x\"\r\n|", "", "c"}},
		{name: "csv separator", stdin: "a;\"b;\"\n", spec: SourceSpec{CSV: true, Colsep: []byte(";")}, want: []string{"a|b;"}},

		{name: "stdin", stdin: "a\n\nb", spec: SourceSpec{ToStdin: true}, want: []string{"<a\n", "<\n", "<b"}},
		{name: "stdin n", stdin: "a\nb\nc", spec: SourceSpec{ToStdin: true, MaxArgs: 2}, want: []string{"<a\nb\n", "<c"}},
		{name: "stdin over files", spec: SourceSpec{Files: []string{one, two}, ToStdin: true, MaxArgs: 9}, want: []string{"<a\nb\nc\n"}},
		{name: "stdin of words", spec: SourceSpec{ToStdin: true, MaxArgs: 2, Groups: []Group{values("a", "b", "c")}}, want: []string{"<a\nb\n", "<c\n"}},
		{name: "stdin skips whole tasks", stdin: "\na\n\n\nb\n", spec: SourceSpec{ToStdin: true, MaxArgs: 2, SkipEmpty: true}, want: []string{"<\na\n", "<b\n"}},
		{name: "stdin header", stdin: "h\na\nb\nc\n", spec: SourceSpec{ToStdin: true, MaxArgs: 2, Header: true}, want: []string{"<h\na\nb\n", "<h\nc\n"}},
		{name: "stdin csv", stdin: "a,\"\n\"\nb\n", spec: SourceSpec{ToStdin: true, CSV: true}, want: []string{"<a,\"\n\"\n", "<b\n"}},
		{name: "block", stdin: "a\nb\nlonger\nc\nd\ne\n", spec: SourceSpec{ToStdin: true, Block: 5}, want: []string{"<a\nb\n", "<longer\n", "<c\nd\n", "<e\n"}},
		{name: "block to the byte", stdin: "a\nb\nc\nd\n", spec: SourceSpec{ToStdin: true, Block: 4}, want: []string{"<a\nb\n", "<c\nd\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Stdin = strings.NewReader(tt.stdin)
			got, err := drain(t, tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourceHeader(t *testing.T) {
	file := tempFile(t, "name\nx\ny\n")
	same := tempFile(t, "name\nz\n")
	for _, tt := range []struct {
		name  string
		stdin string
		spec  SourceSpec
		names []string
		want  []string
	}{
		{name: "no input"},
		{name: "no record", stdin: "a\n", names: []string{"a"}},
		{name: "single", stdin: " a \nx\n", names: []string{" a "}, want: []string{"x"}},
		{name: "files", spec: SourceSpec{Files: []string{file, same}}, names: []string{"name"}, want: []string{"x", "y", "z"}},
		{name: "colsep", stdin: "a\tb\nx\ty\n", spec: SourceSpec{Colsep: []byte("\t")}, names: []string{"a", "b"}, want: []string{"x|y"}},
		{name: "csv", stdin: "\"a,\n1\",b\r\nx\r\n", spec: SourceSpec{CSV: true}, names: []string{"a,\n1", "b"}, want: []string{"x"}},
		{name: "words", spec: SourceSpec{Groups: []Group{values("n", "1", "2")}}, names: []string{"n"}, want: []string{"1", "2"}},
		{
			name:  "groups",
			spec:  SourceSpec{Groups: []Group{values("n", "1", "2"), {IsFile: true, File: file}, linked("l", "X", "Y", "Z")}},
			names: []string{"n", "name", "l"}, want: []string{"1|x|X", "1|y|Y", "2|x|X", "2|y|Y"},
		},
	} {
		for _, ask := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				tt.spec.Stdin, tt.spec.Header = strings.NewReader(tt.stdin), true
				s, err := OpenSource(tt.spec)
				if err != nil {
					t.Fatal(err)
				}
				if ask { // reading the names or not must not change the tasks
					names, err := s.Names()
					if diff := cmp.Diff(tt.names, names); err != nil || diff != "" {
						t.Errorf("names, %v (-want +got):\n%s", err, diff)
					}
				}
				got, err := drainSource(t, s)
				if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
					t.Errorf("tasks, %v (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

func TestSourceColumns(t *testing.T) {
	for _, tt := range []struct {
		spec SourceSpec
		want int
	}{
		{SourceSpec{}, 1},
		{SourceSpec{Groups: []Group{values("a"), values("b"), linked("c")}}, 3},
		{SourceSpec{Files: []string{"-"}, Groups: []Group{values("b")}}, 2},
		{SourceSpec{MaxArgs: 2}, 0},
		{SourceSpec{Fill: true}, 0},
		{SourceSpec{CSV: true}, 0},
		{SourceSpec{NoRecord: true}, 0},
		{SourceSpec{ToStdin: true}, 0},
	} {
		s, err := OpenSource(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Columns(); got != tt.want {
			t.Errorf("%+v: %d columns, want %d", tt.spec, got, tt.want)
		}
	}
}

// Words of up to 2 bytes cost at most 11: two fit into 22 bytes, so that two
// jobs read ahead at least four.
func TestSourceFill(t *testing.T) {
	for _, tt := range []struct {
		stdin string
		jobs  int
		want  string
	}{
		{"", 2, ""},
		{"a\n", 2, "a"},
		{"a\nb\n", 2, "a b"},
		{"a\nb\nc\n", 2, "a|b c"},
		{"a\nb\nc\nd\n", 2, "a|b c|d"},
		{"a\nb\nc\nd\ne\n", 2, "a|b c|d e"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaa\nb\nc\n", 2, "aaaaaaaaaaaaaaaaaaaaaaaaa b c"},
		{"a\nb\nc\nd\ne\n", 1, "a|b c|d e"},
		{"a\nb\nc\nd\ne\nf\ng\n", 0, "a|b c|d e|f g"},
	} {
		spec := SourceSpec{Stdin: strings.NewReader(tt.stdin), Fill: true, ArgBytes: 22, Jobs: tt.jobs}
		got, err := drain(t, spec)
		if s := strings.Join(got, " "); err != nil || s != tt.want {
			t.Errorf("%q over %d jobs: %s, %v; want %s", tt.stdin, tt.jobs, s, err, tt.want)
		}
	}
	stdin := strings.Repeat("x\n", 10)
	got, err := drain(t, SourceSpec{Stdin: strings.NewReader(stdin), Fill: true, Jobs: 4})
	if diff := cmp.Diff([]string{"x|x|x", "x|x|x", "x|x", "x|x"}, got); err != nil || diff != "" {
		t.Errorf("10 records over 4 jobs, %v (-want +got):\n%s", err, diff)
	}
}

// A task is made as soon as the look-ahead is full, not at the end of input.
func TestSourceFillStreams(t *testing.T) {
	s, err := OpenSource(SourceSpec{Stdin: endless{}, Fill: true, ArgBytes: 100, Jobs: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		tasks, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		for i := range tasks {
			if n := tasks[i].Values.Len(); n != 10 {
				t.Fatalf("%d records, each of cost 10, in room for 100", n)
			}
		}
	}
}

// endless is what yes(1) writes.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	n := len(p) &^ 1
	for i := 0; i < n; i += 2 {
		p[i], p[i+1] = 'y', '\n'
	}
	return n, nil
}
