package task

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShellArgv(t *testing.T) {
	many := Spec{MultiValue: true, Many: true}
	cols := Spec{MultiValue: true}
	for _, tt := range []struct {
		spec   Spec
		line   string
		values []string
		want   []string // after sh -c
	}{
		{Spec{}, "a | b x", words("r"), words(`a | b x "$@"`, "sh", "r")},
		{Spec{}, "a | b $1", words("r"), words(`a | b $1`, "sh", "r")},
		{Spec{}, "a {} | b", words("r"), words(`_mpx1=${1-}; a "${_mpx1}" | b`, "sh", "r")},
		{
			Spec{},
			"a {} '{}' \"{}\" {1}|b", words("r"),
			words(`_mpx1=${1-} _mpx2=${1-}; a "${_mpx1}" '`+`'"${_mpx1}"'`+`' "${_mpx1}" "${_mpx2}"|b`, "sh", "r"),
		},
		{
			Spec{},
			"a {.} {#} {}|b", words("r.s"),
			words(`_mpx1=${1} _mpx2=${2}; shift 2; _mpx3=${1-}; a "${_mpx1}" "${_mpx2}" "${_mpx3}"|b`, "sh", "r", "7", "r.s"),
		},
		{cols, "a {2} {12}|b", words("r", "s"), words(`_mpx1=${2-} _mpx2=${12-}; a "${_mpx1}" "${_mpx2}"|b`, "sh", "", "s")},
		{cols, "a {}|b", words("r", "s"), words(`_mpx1=${1}; shift 1; a "${_mpx1}"|b`, "sh", "r s")},
		{cols, "a|b", words("r", "s"), words(`a|b "$@"`, "sh", "r", "s")},
		{many, "a {} \"{}\" '{}'|b", words("r", "s"), words(`a "$@" "$@" "$@"|b`, "sh", "r", "s")},
		{Spec{ToStdin: true}, "a|b {%}", nil, words(`_mpx1=${1}; shift 1; a|b "${_mpx1}"`, "sh", "3")},
		{Spec{ToStdin: true}, "a|b;", nil, words(`a|b;`, "sh")},
		{Spec{Omit: true}, "a {} x{}|b", words("r"), words(`_mpx1=${1}; shift 1; a "$@" x"${_mpx1}"|b`, "sh", "")},
		{
			Spec{},
			"a $((1 + {#})) {}", words("r"),
			words(`_mpx1=${1}; shift 1; _mpx2=${1-}; a $((1 + ${_mpx1})) "${_mpx2}"`, "sh", "7", "r"),
		},
	} {
		tt.spec.Words = words(tt.line)
		tp := mustCompile(t, tt.spec)
		got := mustArgv(t, tp, newTask(tt.values...))
		if diff := cmp.Diff(append(words("sh", "-c"), tt.want...), got); diff != "" {
			t.Errorf("%q: %s", tt.line, diff)
		}
	}
}

func TestShellFlag(t *testing.T) {
	for _, tt := range []struct{ shell, zero string }{
		{"bash -eo pipefail", "bash"},
		{"/bin/zsh", "/bin/zsh"},
		{"busybox sh", "sh"},
		{"env -i bash", "bash"},
		{"nosuch", "nosuch"},
	} {
		tp := mustCompile(t, Spec{Words: words("cat"), Shell: strings.Fields(tt.shell)})
		want := append(strings.Fields(tt.shell), "-c", `cat "$@"`, tt.zero, "r")
		if diff := cmp.Diff(want, mustArgv(t, tp, newTask("r"))); diff != "" {
			t.Errorf("%q: %s", tt.shell, diff)
		}
	}
}

// appended says where a line without placeholders gets its record: the script
// has ⟨⟩ there. Without ⟨⟩ it stays as it is, "" is a refusal.
func TestAppend(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"echo", "echo⟨⟩"},
		{"echo a  ", "echo a⟨⟩  "},
		{"echo a\n\n", "echo a⟨⟩\n\n"},
		{`echo a\ `, `echo a\ ⟨⟩`},
		{"echo $(date)", "echo $(date)⟨⟩"},
		{"echo `date`", "echo `date`⟨⟩"},
		{"echo ${HOME}", "echo ${HOME}⟨⟩"},
		{"ls {a,b}", "ls {a,b}⟨⟩"},
		{"echo done", "echo done⟨⟩"},
		{"echo a > out", "echo a > out⟨⟩"},
		{"echo a 2>&1", "echo a 2>&1⟨⟩"},
		{"A=1 cmd", "A=1 cmd⟨⟩"},
		{"a && b", "a && b⟨⟩"},
		{"! a", "! a⟨⟩"},
		{"awk '{print $1}' FS=,", "awk '{print $1}' FS=,⟨⟩"},
		{`awk "{print \$1}"`, `awk "{print \$1}"⟨⟩`},
		{"echo $# $0 $HOME", "echo $# $0 $HOME⟨⟩"},
		{"sh -c 'echo $1' sh", "sh -c 'echo $1' sh⟨⟩"},
		{"echo a#b", "echo a#b⟨⟩"},
		{"cat <<<x", "cat <<<x⟨⟩"},
		{"diff <(a) <(b)", "diff <(a) <(b)⟨⟩"},
		{"case x in x) echo;; esac; cat", "case x in x) echo;; esac; cat⟨⟩"},
		{"(a); cat", "(a); cat⟨⟩"},
		{"echo \\{}", "echo \\{}⟨⟩"},
		{"a # b\ncat", "a # b\ncat⟨⟩"},
		{"echo a \\\n b \\\n", "echo a \\\n b⟨⟩ \\\n"},
		{"echo $1", "echo $1"},
		{`echo "x$1"`, `echo "x$1"`},
		{"echo ${1%.x};", "echo ${1%.x};"},
		{"echo ${#1};", "echo ${#1};"},
		{"echo $@;", "echo $@;"},
		{"echo $*;", "echo $*;"},
		{`echo "${@}";`, `echo "${@}";`},
		{"echo `echo $1`;", "echo `echo $1`;"},
		{"echo $(($1+1));", "echo $(($1+1));"},
		{`(("$1"));`, `(("$1"));`},
		{"cat <<E\n$1\nE\n", "cat <<E\n$1\nE\n"},
		{`echo "$(echo '$1' "$2")";`, `echo "$(echo '$1' "$2")";`},
		{"cat <<'E'\n$1\nE\n", ""},
		{"a;", ""},
		{"a; ", ""},
		{"a &", ""},
		{"a |", ""},
		{"a &&", ""},
		{"a ||", ""},
		{"a >", ""},
		{"{ a; }", ""},
		{"(a)", ""},
		{"for i in 1 2; do echo; done", ""},
		{"if a; then b; fi", ""},
		{"case x in x) a;; esac", ""},
		{"if a; then", ""},
		{"f() { a; }", ""},
		{"f() a; f;", ""},
		{"done < x", ""},
		{"echo a # b", ""},
		{"echo a # b\n", ""},
		{"echo `echo '$1'`;", ""},
		{"A=1", ""},
		{"> out", ""},
		{"!", ""},
		{"[[ a ]]", ""},
		{"((a))", ""},
		{"a=(1 2)", ""},
		{"echo 'a", ""},
		{`echo "a`, ""},
		{`echo a\`, ""},
		{"echo $(a", ""},
		{"echo a)", ""},
		{"eval", ""},
		{"eval echo", ""},
		{"a | sh -c", ""},
		{"a | env bash -eo pipefail -c", ""},
		{"trap", ""},
	} {
		tp, err := Compile(Spec{Words: words(tt.line), Shell: words("sh")})
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q: got script %q", tt.line, tp.line.command[2])
			} else if u := usageOf(t, Spec{Words: words(tt.line), Shell: words("sh")}); u.Hint == "" {
				t.Errorf("%q: no hint for %q", tt.line, u.Msg)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.line, err)
			continue
		}
		if got := tp.line.command[2]; got != strings.ReplaceAll(tt.want, "⟨⟩", ` "$@"`) {
			t.Errorf("%q: got script %q", tt.line, got)
		}
	}
}

func TestRefusedPlaces(t *testing.T) {
	for _, tt := range []struct{ line, where string }{
		{"a | b `c {}`", "backquotes"},
		{"a # {}", "comment"},
		{"a # 'it\nb # {}", "comment"},
		{"cat <<E\n{}\nE\n", "here-document"},
		{"cat <<'E' | b\n{}\nE\n", "here-document"},
		{"cat <<-\\E\n\t{}\n\tE\n", "here-document"},
		{"a $((1+{}))", "arithmetic"},
		{"a \"$(({}))\"", "arithmetic"},
		{"((x = {}))", "arithmetic"},
		{"for ((i=0; i<{}; i++)); do a; done", "arithmetic"},
		{`a $(("{}"))`, "arithmetic"},
		{"a[{}]=1", "subscript"},
		{"a[b[{}]]=1", "subscript"},
		{"a[ {} ]=1", "intricate"},
		{"a=([{}]=1)", "subscript"},
		{"a >&{}", "after >&"},
		{"a >& \"{}\"", "after >&"},
		{"a 2>&'x{}'", "after >&"},
		{"a <&{}", "after >&"},
		{"a ~{}", "after ~"},
		{"x=~{}/y", "after ~"},
		{"a ~b{}/c", "after ~"},
		{"a $~{}", "after $"},
		{"a ${x-{}}", "${"},
		{`a "${x-"{}"}"`, "${"},
		{"a $'{}'", "$'"},
		{`a "\{}"`, "backslash"},
		{"a $[1+{}]", "intricate"},
		{`a "${x-'y}" '{}'`, "intricate"},
		{`a $'it\'s' {}`, "intricate"},
		{"a=( # it's\n {} )", "intricate"},
	} {
		u := usageOf(t, Spec{Words: words(tt.line)})
		if !strings.Contains(u.Msg, tt.where) || !strings.Contains(u.Hint, `"$1"`) {
			t.Errorf("%q: %q, hint %q", tt.line, u.Msg, u.Hint)
		}
	}
	u := usageOf(t, Spec{Words: words("a `b {11}`"), MultiValue: true})
	if !strings.Contains(u.Hint, `"${11}"`) {
		t.Errorf("hint %q", u.Hint)
	}
	u = usageOf(t, Spec{Words: words("a `b {#}` {}")})
	if !strings.Contains(u.Hint, "MPX_SEQ") {
		t.Errorf("hint %q", u.Hint)
	}
}

func TestAcceptedPlaces(t *testing.T) {
	for _, line := range []string{
		"cat <<E {}\nit's\nE\n",
		"cat <<E\nit's\nE\necho {}",
		"a <<<{}",
		"a >{} 2>&1",
		"case {} in {}) a;; (b|c) {};; esac; d {}",
		"echo $(case x in x) echo {};; esac) {}",
		"for f in {}; do a \"$f\"; done",
		"if [ {} -gt 3 ]; then a; fi",
		"[[ {} == x ]] && a",
		"[[ (x == {}) || y =~ (a|b){} ]] && a",
		"a $(b \"$(c '{}')\" {})",
		"a \"`b`\" {} # it's",
		"a ${x#y} ${#x} $# {}",
		"f() { echo {}; }; f",
		"x={} y='{}' cmd",
		"((1 < 2)) && a {}",
		"a $((1<<3)) {}",
		"a $((x ? (1) : 2)) {}",
		"a 'it'\\''s' {}",
		"a \"\\\"\" {}",
		"sh -c 'echo \"$1\"' sh {} | b",
		"find . -name {} -exec sh -c 'a \"$1\"' sh '{}' ';' | b",
		"ssh h \"cat {q}\" | b",
		"ssh h 'cat {q}' | b",
		"bash -c \"cat {q}\" | b",
		"eval \"cat {q}\"",
		"grep bash -c {} | b",
		"a | sh {}",
		"a | sh -x {}",
		"command -v {}",
		"trap 'a \"$1\"' EXIT; b {}",
	} {
		if _, err := Compile(Spec{Words: words(line)}); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestCodeIsRefused(t *testing.T) {
	for _, tt := range []struct {
		words []string
		hint  string
	}{
		{words("sh", "-c", "echo {}"), `mpx map 'echo {}', or sh -c 'echo "$1"' sh {}`},
		{words("/bin/sh", "-ec", "echo '{}'"), `or /bin/sh -ec 'echo '\'''\''"$1"'\'''\''' sh {}`},
		{words("bash", "-c", "a {} {.} {}"), `mpx map --shell bash 'a {} {.} {}', or bash -c 'a "$1" "$2" "$1"' sh {} {.}`},
		{words("bash", "-eo", "pipefail", "-c", "a \"{}\""), `--shell 'bash -eo pipefail' 'a "{}"', or bash -eo pipefail -c 'a "$1"' sh {}`},
		{words("bash", "-c", "-e", "a `{}`"), `-c -e 'echo "$1"' sh {}`},
		{words("env", "A=1", "dash", "-c", "{} x"), `dash -c '"$1" x' sh {}`},
		{words("busybox", "sh", "-c", "a {}"), `busybox sh -c 'a "$1"' sh {}`},
		{words("find", ".", "-exec", "zsh", "-c", "a {}", ";"), `'a "$1"'`},
		{words("sh", "-c", "{}"), "leave COMMAND out"},
		{words("sh", "-c"), "leave COMMAND out"},
		{words("sh", "-c", "a \"{q}\""), "outside"},
		{words("sh -c 'echo {}'"), `mpx map 'echo {}', or sh -c 'echo "$1"' sh {}`},
		{words("sh -c \"echo {}\" | b"), `mpx map 'echo {}'`},
		{words("a | env bash -c 'echo '{} | b"), `'echo "$1"'`},
		{words("x=$(mksh -c 'echo {}')"), `'echo "$1"'`},
		{words("bash -c \"cat '{q}'\" | b"), "outside"},
		{words("eval echo {}"), `"$1"`},
		{words("if a; then command eval \"echo {}\"; fi"), `"$1"`},
		{words("eval \"cat '{q}'\""), "outside"},
		{words("trap 'rm {}' EXIT; a"), `"$1"`},
		{words("[[ {} -gt 3 ]] && a"), `"$1" -gt 3`},
		{words("[[ -n x && ( {} -gt 3 ) ]] && a"), `"$1" -gt 3`},
	} {
		u := usageOf(t, Spec{Words: tt.words})
		if !strings.Contains(u.Msg, "code") || !strings.Contains(u.Hint, tt.hint) {
			t.Errorf("%q: %q, hint\n%s, want\n%s", tt.words, u.Msg, u.Hint, tt.hint)
		}
	}
	for _, ok := range [][]string{
		words("sh", "-c", "echo {q}"),
		words("sh", "-c", "echo {#} {%}", "sh", "{}"),
		words("sh", "-c", "echo \"$1\"", "sh", "{}"),
		words("sh", "{}", "-c", "x"),
		words("bash", "script"),
		words("grep", "bash", "-c", "{}"),
		words("git", "commit", "-c", "{}"),
	} {
		mustCompile(t, Spec{Words: ok})
	}
}

func TestDisplay(t *testing.T) {
	many := Spec{MultiValue: true, Many: true}
	for _, tt := range []struct {
		spec   Spec
		words  []string
		values []string
		want   string
	}{
		{Spec{}, words("echo", "x"), words("a b"), "echo x 'a b'"},
		{Spec{}, words("if", "A=1"), words("-n"), "'if' A=1 -n"},
		{Spec{}, words("A=1", "{}"), words(""), "'A=1' ''"},
		{Spec{}, words("a {} | b"), words("x"), "a x | b"},
		{Spec{}, words("a {} | b"), words("x y"), "a 'x y' | b"},
		{Spec{}, words("{} | b"), words("if"), "'if' | b"},
		{Spec{}, words("a {}>o"), words("2"), "a '2'>o"},
		{Spec{}, words("a 'x{}' | b"), words("it's"), `a 'xit'\''s' | b`},
		{Spec{}, words(`a "x{}" | b`), words("$x\"`\\"), "a \"x\\$x\\\"\\`\\\\\" | b"},
		{Spec{}, words(`a "$x{}" | b`), words("y"), `a "$x"'y'"" | b`},
		{Spec{}, words("[[ a =~ {} ]] && b"), words("."), "[[ a =~ '.' ]] && b"},
		{Spec{}, words("a | b"), words("x y"), "a | b 'x y'"},
		{Spec{}, words("a | b $1"), words("x y"), "sh -c 'a | b $1' sh 'x y'"},
		{Spec{}, words("a {} $1"), words("x y"), `sh -c 'a '\''x y'\'' $1' sh 'x y'`},
		{Spec{Shell: words("bash", "-e")}, words("a {}"), words("x"), "bash -e -c 'a x'"},
		{many, words("a {} | b"), words("x y", "z"), "a 'x y' 'z' | b"},
		{many, words("a | b"), words("x y", "z"), "a | b 'x y' z"},
		{Spec{Omit: true}, words("a {} | b"), words("x y"), "a  | b"},
	} {
		tt.spec.Words = tt.words
		if got := mustCompile(t, tt.spec).Display(newTask(tt.values...), 1); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.words, got, tt.want)
		}
	}
}

func TestDisplayWords(t *testing.T) {
	for _, tt := range []struct {
		spec Spec
		line string
		want []string
	}{
		{Spec{}, "a {} | b", words("sh", "-c", "a 'x y' | b")},
		{Spec{}, "a $1", words("sh", "-c", "a $1", "sh", "x y")},
		{Spec{Shell: words("bash", "-e")}, "a", words("bash", "-e", "-c", "a 'x y'")},
		{Spec{}, "a {}", words("a", "x y")},
	} {
		tt.spec.Words = words(tt.line)
		got := mustCompile(t, tt.spec).DisplayWords(newTask("x y"), 1)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.line, diff)
		}
	}
}

func TestShellHint(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{words("a", "|", "b c"), `make it one word: mpx map 'a | '\''b c'\'''`},
		{words("a", "{.}", ">", "out"), "make it one word: mpx map 'a {.} > out'"},
		{words("a", "2>&1"), "make it one word: mpx map 'a 2>&1'"},
		{words("a", "a|b", "2", ""), ""},
		{nil, ""},
	} {
		if got := ShellHint(tt.words); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.words, got, tt.want)
		}
	}
}
