package task

import (
	"os/exec"
	"strings"
	"testing"
)

// The table of builtins has all that the shells here have, and the list of a
// shell's own variables all that they hold as numbers.
func TestShellTables(t *testing.T) {
	var names []string
	for name := range builtins {
		names = append(names, name)
	}
	types := `for n in ` + strings.Join(names, " ") + `; do case $(type $n 2>/dev/null) in *" is "*builtin*) echo $n;; esac; done`
	for _, tt := range []struct {
		set              shellSet
		builtins, number []string
	}{
		{inDash, words("dash", "-c", types), nil},
		{inAsh, words("busybox", "sh", "-c", types), nil},
		{inBash, words("bash", "-c", "compgen -b"), words("bash", "-c", `declare -pi | sed 's/^declare -[a-z]* //; s/=.*//'`)},
		{inZsh, words("zsh", "-fc", `print -l ${(k)builtins}`), words("zsh", "-fc", `print -l ${(k)parameters[(R)*(integer|float)*]}`)},
		{inMksh, words("mksh", "-c", types), words("mksh", "-c", `typeset -i | sed 's/=.*//'`)},
		{inKsh93, words("ksh93", "-c", `builtin | grep -v /`), words("ksh93", "-c", `typeset -i | sed 's/=.*//'`)},
	} {
		if !haveCommand(tt.builtins[0]) {
			t.Logf("no %s here", tt.builtins[0])
			continue
		}
		for _, name := range fieldsOf(t, tt.builtins) {
			if builtins[name]&tt.set == 0 && !isReserved(name) {
				t.Errorf("%s has the builtin %s", tt.builtins[0], name)
			}
		}
		if tt.number == nil {
			continue
		}
		for _, name := range fieldsOf(t, tt.number) {
			if isName(name) && shellsUsing(name)&tt.set == 0 {
				t.Errorf("%s reads %s as a number", tt.number[0], name)
			}
		}
	}
}

func fieldsOf(t *testing.T, argv []string) []string {
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatalf("%q: %v", argv, err)
	}
	return strings.Fields(string(out))
}

// What a shell is depends on the program, not on how it is called.
func TestShellsOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		want shellSet
	}{
		{"/bin/dash", inDash},
		{"busybox", inAsh},
		{"/usr/bin/bash-static", inBash},
		{"bash5.2", inBash},
		{"zsh-5.9", inZsh},
		{"lksh", inMksh},
		{"ksh", inKsh93 | inMksh | inOther},
		{"ksh93", inKsh93},
		{"sh", inAny},
		{"yash", inAny},
	} {
		if got := shellsNamed(tt.name); got != tt.want {
			t.Errorf("%s: %b, want %b", tt.name, got, tt.want)
		}
	}
	for _, shell := range []string{"env bash", "sudo -u x sh", "/no/such/shell", "docker exec c bash"} {
		if got := shellsOf(strings.Fields(shell)); got != inAny {
			t.Errorf("%s: %b", shell, got)
		}
	}
}

// Each rule says the same of a line in all shells, whatever is installed.
func TestWordRules(t *testing.T) {
	for _, tt := range []struct {
		line string
		safe shellSet
	}{
		{"echo {}", inAny},
		{"nosuch {}", inAny},
		{"unset {}", inNone},
		{"read {}", inNone},
		{"export {}", inNone},
		{"export x={}", inAny},
		{"export x+={}", inNone},
		{"export RANDOM={}", inDash | inAsh},
		{"export -n x={}", inNone},
		{"typeset -i x={}", inDash | inAsh},
		{"declare {}", inDash | inAsh | inMksh | inKsh93},
		{"exit {}", inLiteral},
		{"printf {}", inAny},
		{"printf {} x", inDash | inAsh},
		{"printf %s {}", inAny},
		{"printf %d {}", inLiteral | inMksh},
		{"printf %n {}", inDash | inAsh},
		{"printf -v x %d {}", inLiteral | inMksh},
		{"printf -v {} x", inNone},
		{"printf $x {}", inDash | inAsh},
		{"[ {} ]", inAny},
		{"[ {} = x ]", inAny},
		{"[ ! -f {} ]", inAny},
		{"[ {} -gt 3 ]", inLiteral},
		{"[ -t {} ]", inLiteral},
		{"[ -v {} ]", inDash | inAsh},
		{"[ {} = x -a {} = y ]", inLiteral},
		{"[ {} = $x ]", inLiteral},
		{`[ {} = "$x" ]`, inAny},
		{"[[ {} = x ]]", inAny},
		{"[[ {} -gt 3 ]]", inNone},
		{"set -- {}", inAny},
		{"set {}", inNone},
		{"set -A x -- {}", inNone},
		{"print {}", inDash | inAsh | inBash},
		{"print -r -- {}", inAny},
		{"n={}", inAny},
		{"RANDOM={}; :", inDash | inAsh},
		{"PROMPT={}; :", inAny &^ inZsh &^ inOther},
		{"BASH_ENV={} bash x", inNone},
		{"(( n = 1 )); n={}", inDash | inAsh | inBash},
		{"declare -i n; n={}", inDash | inAsh},
		{"a=(1); export a={}", inDash | inAsh},
		{"echo $x[{}]", inAny &^ inZsh &^ inOther},
		{"echo *({})", inAny &^ inZsh &^ inOther},
		{"$x {}", inAny},
		{"$1 {}", inNone},
		{"{1} {}", inNone},
		{"{} x", inAny},
		{"$x unset {}", inNone},
		{"command unset {}", inNone},
		{"command -v {}", inAny},
		{"exec -a x cat {}", inAny},
		{"for i in {}; do :; done", inAny},
		{"for RANDOM in {}; do :; done", inDash | inAsh},
	} {
		s := Spec{}
		scan := scanShell(tt.line, &s, s.places(tt.line))
		for in := inDash; in <= inOther; in <<= 1 {
			if err := s.judge(scan, in); (err == nil) != (tt.safe&in != 0) {
				t.Errorf("%s in %b: %v", tt.line, in, err)
			}
		}
	}
}
