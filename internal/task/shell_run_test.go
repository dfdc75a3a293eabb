package task

import (
	"bytes"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shells are those that scripts must work in. The missing ones are skipped, and
// other names of the same program.
func shells(t *testing.T) [][]string {
	var found [][]string
	seen := map[string]bool{}
	for _, sh := range []string{"sh", "dash", "bash", "bash --posix", "bash -euo pipefail", "busybox sh", "zsh", "zsh --emulate sh", "mksh", "ksh"} {
		f := strings.Fields(sh)
		file, err := exec.LookPath(f[0])
		if err != nil {
			t.Logf("no %s here", sh)
			continue
		}
		if real, err := filepath.EvalSymlinks(file); err == nil {
			file = real
		}
		key := file + strings.TrimPrefix(sh, f[0])
		if !seen[key] {
			found = append(found, f)
		}
		seen[key] = true
	}
	return found
}

func haveCommand(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// output runs argv in dir and returns its standard output.
func output(dir string, argv []string) ([]byte, error) {
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "x=1"}
	return c.Output()
}

// genRecord draws any bytes but NUL, often such as a shell minds.
func genRecord() *rapid.Generator[string] {
	nasty := rapid.SampledFrom([]string{
		"", "-n", "--", "a b", "$(touch X)", "`touch X`", "'; touch X; '", `"; touch X; "`, "\n", "a\n\n",
		"\\", `\\`, `\n`, "*", "~", "#", "{}", "${x}", "$1", "\x81\x82\x88", "\xff", "é", "!!", "%s%n", "=ls", "if", "A=1", "&", "[[",
	})
	raw := rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 12).Draw(t, "bytes"))
	})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(nasty, raw), 0, 4).Draw(t, "record"), "")
	})
}

// A lineWord is a word of a shell line and what the shell must make of it.
type lineWord struct{ source, want string }

// genWord draws a word that has the record in it, in any kind of quotes.
func genWord(record string, depth int) *rapid.Generator[lineWord] {
	return rapid.Custom(func(t *rapid.T) lineWord {
		var w lineWord
		add := func(source, want string) { w.source, w.want = w.source+source, w.want+want }
		for range rapid.IntRange(1, 4).Draw(t, "pieces") {
			switch rapid.IntRange(0, 9).Draw(t, "piece") {
			case 0, 1:
				add("{}", record)
			case 2:
				add("'a {}\" {} $x'", "a "+record+"\" "+record+" $x")
			case 3:
				add(`"b {}' \" \$x {}"`, "b "+record+"' \" $x "+record)
			case 4:
				add(`\'\"\ \{\}`, `'" {}`)
			case 5:
				add(`"$e{}${e}{}"`, "E"+record+"E"+record)
			case 6:
				add("$e{}", "E"+record)
			case 7:
				add("x-", "x-")
			default:
				if depth > 0 {
					in := genWord(record, depth-1).Draw(t, "inner")
					add(`"$(printf %s `+in.source+`\. ; :)"`, in.want+".")
				}
			}
		}
		if w.source == "" {
			add("''", "")
		}
		return w
	})
}

// Whatever the record and wherever it stands, the shell gets its bytes; and
// the line that is shown does the same in sh.
func TestRecordsInShells(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("a record was run: %v", left)
		}
	})
	for _, shell := range shells(t) {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				record := genRecord().Draw(t, "record")
				line, want := `e=E; printf '%s\0'`, ""
				for _, w := range rapid.SliceOfN(genWord(record, 2), 1, 8).Draw(t, "words") {
					line += " " + w.source
					want += w.want + "\x00"
				}
				line, want = line+" {}", want+record+"\x00"
				tp := mustCompile2(t, Spec{Words: words(line), Shell: shell})
				argv, err := tp.Argv(newTask(record), 1)
				if err != nil {
					t.Fatal(err)
				}
				check(t, dir, argv, want)
				check(t, dir, words("sh", "-c", tp.Display(newTask(record), 1)), want)
			})
		})
	}
}

func mustCompile2(t *rapid.T, s Spec) *Template {
	tp, err := Compile(s)
	if err != nil {
		t.Fatalf("%q: %v", s.Words, err)
	}
	return tp
}

func check(t *rapid.T, dir string, argv []string, want string) {
	got, err := output(dir, argv)
	if err != nil || string(got) != want {
		t.Fatalf("%q:\n got %q, %v\nwant %q", argv, got, err, want)
	}
}

// Columns, derived forms and appended values in all shells.
func TestColumnsInShells(t *testing.T) {
	values := words("a b.c", "", "it's\n", "d/e.f", "5", "6", "7", "8", "9", "$(touch X)")
	for _, tt := range []struct{ line, want string }{
		{`p '%s|' {10} "{4/.}" '{1.}' {2} {11} {#} {%}`, "$(touch X)|e|a b|||7|3|"},
		{`p '%s|' "$1" "$2" "$3" {4} "${10}" "${11-none}"`, "a b.c||it's\n|d/e.f|$(touch X)|none|"},
		{`p '%s|'`, strings.Join(values, "|") + "|"},
		{`: $1; p '%s|' "$0"`, "NAME|"},
		{`p '%s|' {q} | wc -l | tr -d ' '`, "1\n"},
		{`f() { p '%s|' {3} "$1"; }; f x`, "it's\n|x|"},
		{`: $1; p %s $(({#} * 2))`, "14"},
	} {
		for _, shell := range shells(t) {
			tp := mustCompile(t, Spec{Words: words(strings.Replace(tt.line, "p ", "printf ", 1)), Shell: shell, MultiValue: true})
			got, err := output(t.TempDir(), mustArgv(t, tp, newTask(values...)))
			want := strings.Replace(tt.want, "NAME", shellName(shell), 1)
			if err != nil || string(got) != want {
				t.Errorf("%v %q: got %q, %v", shell, tt.line, got, err)
			}
			if strings.Contains(tt.want, "NAME") {
				continue
			}
			got, err = output(t.TempDir(), words("sh", "-c", tp.Display(newTask(values...), 3)))
			if err != nil || string(got) != tt.want {
				t.Errorf("%v displayed as %q: got %q, %v", shell, tp.Display(newTask(values...), 3), got, err)
			}
		}
	}
}

// Random lines: where sh takes a line with a plain word in a placeholder's
// place, the compiled line prints the same; and no record in it is ever run.
func TestRandomLines(t *testing.T) {
	pieces := strings.Split("'|'|\"|\"|\\|$|`|\n| | | |a|b|=|#|;|;|&&|||(|)|$(|)|$((|))|{|}|{}|{}|{}|{}|{}|:|echo |echo |printf '%s,' |x=1 |$x|${x|${x}|${x-|case a in |a) |;;|esac|if |then |fi|cat <<E\n|\nE\n|<<<|eval |[[ | ]]|$'|sh -c |for x in |do |done|read |[ | ]|test -n |export x=|declare n=|a[|]=|~|>&|printf %s |command |{q}|[[ -n |$x[|*(", "|")
	r := rand.New(rand.NewSource(1))
	evil := "a[$(touch X)]$(touch X)`touch X`;touch X #'\"\ntouch X;"
	for _, shell := range []string{"dash", "bash", "zsh", "mksh"} {
		if !haveCommand(shell) {
			continue
		}
		dir := t.TempDir()
		ran := 0
		for tried := 0; tried < 2000 && ran < 100; tried++ {
			line := []string{"", "printf '%s,' {} "}[r.Intn(2)]
			for range 1 + r.Intn(8) {
				line += pieces[r.Intn(len(pieces))]
			}
			if definition.MatchString(line) {
				continue // a quoted name defines nothing, and $$ changes
			}
			tp, err := Compile(Spec{Words: words(line), Shell: words(shell)})
			if err != nil || len(tp.line.spots) == 0 {
				continue
			}
			want, err := output(dir, words(shell, "-c", fillPlain(tp.line, ".v."), shell, ".v."))
			if err != nil {
				continue
			}
			ran++
			got, err := output(dir, mustArgv(t, tp, newTask(".v.")))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s %q:\n got %q, %v\nwant %q", shell, line, got, err, want)
			}
			_, _ = output(dir, mustArgv(t, tp, newTask(evil)))
			if _, err := os.Stat(filepath.Join(dir, "X")); err == nil {
				t.Fatalf("%s %q ran its record", shell, line)
			}
		}
		t.Logf("%s: %d lines", shell, ran)
	}
}

var definition = regexp.MustCompile(`\(\s*\)|\$\$`)

// fillPlain replaces l's placeholders by a plain word.
func fillPlain(l *shellLine, word string) string {
	var b strings.Builder
	at := 0
	for _, p := range l.spots {
		b.WriteString(l.src[at:p.start] + word)
		at = p.end
	}
	return b.String() + l.src[at:]
}
