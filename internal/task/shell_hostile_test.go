package task

import (
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var allLines = flag.Bool("lines", false, "give every hostile record to every line of TestHostileRecords")

// hostileLines are lines around the builtin B, tried with every builtin's name.
// No number in them can be a process's.
var hostileLines = strings.Split(`B {}
B "{}"
B 'x{}'
B {}x
B {q}
B -- {}
B - {}
B -a {}
B -c {}
B -d {}
B -f {}
B -i {}
B -n {}
B -p {}
B -r {}
B -t {}
B -u {}
B -v {}
B -x {}
B -A w {}
B -C {}
B -R {}
B -m {}
B -s {}
B w {}
B {} w
B {1} {2}
B {} {2} w
B -v v {}
B -v v %s {}
B -v v {1} {2}
B x={}
B -i x={}
B -r x={}
B x=a{}
B "x={}"
B x={1} {2}
B x+={}
B a[{}]
B a[{}]=1
B x[{}]={}
B '%d' {}
B '%s' {}
B '%s %5.2f' a {}
B '%n' {}
B '%b' {}
B '%*d' {} {2}
B "%s{}" {2}
B "x{}" w
B -- '%q' {}
B $w {}
B "$w" {}
B * {}
B {} -eq 99999999
B 99999999 -gt {}
B {} = w
B w != {}
B {1} = {2}
B {1} {2} w
B ! {}
B ! {1} = {2}
B ! -f {}
B -f {} -a -n {2}
B {1} = w -o {2} = w
B '(' {} ')'
B '(' {1} = {2} ')'
B -o {}
B {} -nt w
B {1} -ef {2}
B {} -t w
B w "$w" {}
B $w = {}
command B {}
command -p B {}
builtin B {}
exec B {}
noglob B {}
- B {}
$nothing B {}
! B {}
time B {}
B < {}
x=1 B {}
if B {}; then :; fi
x=$(B {})
{ B {}; }
(B {})
f() { B {}; }; f
set -- {}; B "$w"
B "$w" <<<{}`, "\n")

// hostilePlaces are lines without a builtin's name.
var hostilePlaces = strings.Split(`{}
{1} {2}
{} w
env {}
$nothing {}
"$1" {}
v={}; :
x={}; :
x=a{}b y={2}; :
RANDOM={}; :
SECONDS={}; :
OPTIND={}; :
HISTCMD={} :
PS4={}; set -x; :
PS1={} :
x={} :
a[{}]=1
a[ {} ]=1
a[x[{}]]=1
a[1]={}
a=({} {2}); :
a=([{}]=1); :
a=([1]={}); :
a+=({}); :
declare -i n; n={}
typeset -i n; n={}; :
integer n; n={}
local -i n; n={}
f() { local n; n={}; }; f
f() { typeset -i n; n={}; }; f
float n; n={}
((n = 1)); n={}
: $((n = 1)); n={}
let n=1; n={}
typeset -n n; n={}; : "$n"
nameref n; n={}
declare -A n; n={}
declare -ia n; n=({})
a=(1); declare a={}
a=(1); export a={}
readonly n={}
export n={}; : "$n"
for n in {}; do :; done
for n in {} {2}; do echo "$n"; done
for RANDOM in {}; do :; done
declare -i n; for n in {}; do :; done
select n in {}; do :; done
case {} in {2}) : ;; x{}) : ;; ({})) : ;; esac
case w in {}|w) : ;; esac
case w in *({})) : ;; esac
: >&{}
: >& "{}"
: 2>&{}
: <&{}
: >>&{}
: &>{}
: &>>{}
: >{}
: >|{}
: <>{}
: <{}
: <<<{}
: >!{}
echo ~{}
echo ~x{}/y
x=~{}; :
x=y:~{}; :
echo ={}
echo x={}
echo --x=~{}
echo $w[{}]
echo "$w[{}]"
echo ${w}[{}]
echo "${w}[{}]"
echo $w{}
echo "$w{}"
echo $~{}
echo "$={}"
echo "$^{}"
echo "$+{}"
echo $#{}
echo *({})
echo *(e:{}:)
echo @({}|{2})
echo !({})
echo {a,{}}
echo {a..{}}
echo {1..{}}
echo [{}]
echo [a{}-z]*
echo *{}*
echo {}*
echo \{}
echo "\{}"
echo $'{}'
echo "$(echo {})"
echo "$(printf '%d' {})"
echo <(echo {})
echo =(echo {})
echo >(echo {})
[[ {} == {2} ]]
[[ {} = w* ]]
[[ w =~ {} ]]
[[ {} =~ w ]]
[[ {} < {2} ]]
[[ {} -eq 99999999 ]]
[[ 99999999 -lt {} ]]
[[ -v {} ]]
[[ -R {} ]]
[[ -t {} ]]
[[ -o {} ]]
[[ -n {} ]]
[[ -f {} && ! -z {2} ]]
[[ {} ]]
[[ ! {} ]]
[[ {1} {2} ]]
[[ {} w ]]
[[ ({} == w) || -n {2} ]]
[[ w == *({}) ]]
[[ -n w(#qe:{}:) ]]
(( {} ))
for ((i = {}; i < 3; i++)); do :; done
repeat {} :
repeat 1 echo {}
foreach n ({}) :; end
for n ({} {2}) :
coproc echo {}
coproc n { eval {}; }
function {} { :; }
function f { echo {}; }; f
{}() { :; }
f() { :; }; f {}
() { echo "$1"; } {}
time -p echo {}
echo {} | cat
echo {} && cat {}
! echo {}
while [ -s {} ]; do :; done
until [ {} ]; do :; done
cd {} && pwd
[ -f {} ] && . {}
eval "echo {q}"
eval "[ {q} -gt 3 ]"
eval "x={q}"
eval "a[{q}]=1"
trap "echo {q}" EXIT
trap 'echo "$1"' EXIT; echo {}
sh -c 'echo {q}'
sh -c '[ {q} -eq 1 ]'
sh -c 'echo "$1"' sh {}
bash -c 'read {q}'
mksh -c '[ {q} -gt 3 ]'
zsh -c 'exit {q}'
env -S 'sh -c' 'echo {}'
env -S 'sh -c "echo {}"'
env sh -c 'echo {}'`, "\n")

// hostileVariables are those that some shell has.
const hostileVariables = `ARGC BASH BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND
BASH_EXECUTION_STRING BASH_LINENO BASH_LOADABLES_PATH BASH_SOURCE BASH_SUBSHELL BASH_VERSINFO BASH_VERSION
CDPATH COLUMNS COMP_WORDBREAKS CPUTYPE DIRSTACK EGID ENV EPOCHREALTIME EPOCHSECONDS EUID FCEDIT FIGNORE FPATH
FUNCNAME FUNCNEST GID GROUPS HISTCHARS HISTCMD HISTSIZE HOME HOST HOSTNAME HOSTTYPE IFS JOBMAX KEYBOARD_HACK
KEYTIMEOUT KSHEGID KSHGID KSHUID KSH_VERSION LINENO LINES LISTMAX LOGNAME MACHTYPE MAILCHECK MAILPATH MANPATH
MODULE_PATH NULLCMD OLDPWD OPTARG OPTERR OPTIND OSTYPE PATHSEP PGRP PIPESTATUS PPID PROMPT PROMPT2 PROMPT3
PROMPT4 PS1 PS2 PS3 PS4 PSVAR PWD RANDOM READNULLCMD SAVEHIST SECONDS SHELL SHELLOPTS SHLVL SPROMPT SRANDOM
TERM TIMEFMT TMOUT TMPPREFIX TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT TTY TTYIDLE UID USERNAME USER_ID VENDOR WATCH
WORDCHARS YASH_LOADPATH YASH_VERSION ZSH_ARGZERO ZSH_EVAL_CONTEXT ZSH_EXECUTION_STRING ZSH_NAME ZSH_PATCHLEVEL
ZSH_SUBSHELL ZSH_VERSION aliases argv builtins cdpath commands dirstack dis_aliases dis_builtins dis_functions
dis_functions_source dis_galiases dis_patchars dis_reswords dis_saliases fignore fpath funcfiletrace
funcsourcetrace funcstack functions functions_source functrace galiases histchars history historywords jobdirs
jobstates jobtexts keymaps mailpath manpath module_path modules nameddirs options parameters patchars path
pipestatus prompt psvar reswords saliases signals status termcap terminfo userdirs usergroups watch widgets
zsh_eval_context zsh_scheduled_events`

// hostileRecords are records, and pairs of them, that run a command or set w where
// they are read as anything but text. P is the file that must not come to be.
var hostileRecords = [][]string{
	{"$(: >P)", "`: >P`"},
	{"`: >P`", "$(: >P)"},
	{"a[$(: >P)]", "a[$(: >P)]"},
	{"a[$(: >P)]=1", "a[$(: >P)]=1"},
	{"w[$(: >P)0]", "x"},
	{"a[`: >P`]+1", "w"},
	{": >P", "x\n: >P"},
	{"eval", ": >P"},
	{"; : >P; ", "& : >P #"},
	{"'; : >P; '", "\"; : >P; \""},
	{"\n: >P\n", ")\n: >P\n"},
	{"w", "w"},
	{"w=2", "w=2"},
	{"-v", "a[$(: >P)]"},
	{"-v", "w"},
	{"-R", "a[$(: >P)]"},
	{"-t", "a[$(: >P)]"},
	{"-va[$(: >P)]", "x"},
	{"-vw", "x"},
	{"-pa[$(: >P)]", "x"},
	{"-nw", "x"},
	{"-iw=a[$(: >P)]", "x"},
	{"-A", "w"},
	{"-P", "$(: >P)"},
	{"-C", ": >P"},
	{"-e", "touch P"},
	{"!", "-v"},
	{"(", "a[$(: >P)]"},
	{"(a[$(: >P)])", "([a[$(: >P)]]=1)"},
	{"%n", "w"},
	{"%d", "a[$(: >P)]"},
	{"%(a[$(: >P)])T%n", "w"},
	{"${w:=$(: >P)}", "${w::=2}"},
	{"*(e:': >P':)", "*(e:': >P':)"},
	{"=(: >P)", "<(: >P)"},
	{"~$(: >P)", "~[$(: >P)]"},
	{"e:': >P':", "+w"},
	{"/dev/stdin", "-o"},
	{"w()", "{ : >P; }"},
	{"+%$(: >P)", "%?$(: >P)"},
	{"-x", "x"},
	{"{a[$(: >P)]}", "{w,eval}"},
}

// A hostileCase is one record in one line.
type hostileCase struct {
	line   string
	record []string
	script string // what the shell runs
}

// linesOfAll returns the lines: those around each builtin and the others.
func linesOfAll() []string {
	lines := slices.Clone(hostilePlaces)
	for _, name := range strings.Fields(hostileVariables) {
		lines = append(lines, name+"={}; :", "export "+name+"={}; :", "for "+name+" in {}; do :; done")
	}
	var names []string
	for name := range builtins {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, l := range hostileLines {
			l = strings.Replace(l, "B", name, 1)
			if name == "[" {
				l = strings.Replace(l+";", ";", " ];", 1)
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// hostileCases returns lines that shell accepts, with records: all of them, or n
// that are drawn by a fixed seed.
func hostileCases(shell []string, n int, file string) []hostileCase {
	lines := linesOfAll()
	r := rand.New(rand.NewSource(1))
	r.Shuffle(len(lines), func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
	var cases []hostileCase
	for _, line := range lines {
		spec := Spec{Words: []string{line}, Shell: shell, MultiValue: strings.Contains(line, "{2}")}
		tp, err := Compile(spec)
		if err != nil || tp.line == nil {
			continue
		}
		records := hostileRecords
		if n > 0 {
			at := r.Intn(len(records) - 3)
			records = records[at : at+3]
		}
		for _, r := range records {
			if !spec.MultiValue {
				r = r[:1]
			}
			cases = append(cases, newHostileCase(tp, r, file))
			if len(cases) == n {
				return cases
			}
		}
	}
	return cases
}

func newHostileCase(tp *Template, record []string, file string) hostileCase {
	c := hostileCase{line: tp.line.src}
	for _, r := range record {
		c.record = append(c.record, strings.ReplaceAll(r, ">P", ">"+file))
	}
	argv, err := tp.Argv(newTask(c.record...), 1)
	if err != nil {
		panic(err)
	}
	n := len(tp.line.command)
	c.script = fmt.Sprintf("set -- %s\neval %s", QuoteWords(argv[n:]),
		quoteAlways(argv[n-2]+"\ncase $w in keep) ;; *) : >"+file+";; esac"))
	return c
}

// runHostile runs cases in shell, each in a subshell of its own, and returns
// the numbers of those that left file.
func runHostile(t *testing.T, shell []string, cases []hostileCase, dir, file string) []int {
	t.Helper()
	var b strings.Builder
	for i, c := range cases {
		fmt.Fprintf(&b, "(w=keep\n%s\n) </dev/null >/dev/null 2>&1 || :\nif test -e %s; then rm -f %s; echo %d; fi\n", c.script, file, file, i)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if shell[0] == "zsh" {
		shell = append(slices.Clone(shell), "-f")
	}
	c := exec.Command(shell[0], append(slices.Clone(shell[1:]), script)...)
	c.Dir, c.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + dir, "TMPDIR=" + dir}
	c.WaitDelay = 10 * time.Second
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v", shell, err)
	}
	var found []int
	for _, f := range strings.Fields(string(out)) {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatalf("%v printed %q", shell, f)
		}
		found = append(found, n)
	}
	return found
}

// Whatever line is accepted, for whatever shell: no record runs a command or sets
// a variable. A part of all lines and records is
// tried; -lines tries all.
func TestHostileRecords(t *testing.T) {
	n := 800
	if *allLines {
		n = 0
	}
	for _, shell := range append(shells(t), words("ksh93"), words("yash"), words("posh")) {
		if !haveCommand(shell[0]) {
			continue
		}
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "P")
			cases := hostileCases(shell, n, file)
			// That the test can see what it looks for.
			cases = append(cases, hostileCase{script: `set -- "$(: >` + file + `)"` + "\neval :"}, hostileCase{script: "eval 'w=2\ncase $w in keep) ;; *) : >" + file + ";; esac'"})
			total := 0
			for len(cases) > 0 {
				part := cases[:min(len(cases), 2000)]
				cases = cases[len(part):]
				for _, i := range runHostile(t, shell, part, t.TempDir(), file) {
					if c := part[i]; c.line == "" {
						total++
					} else {
						t.Errorf("%q ran its record %q", c.line, c.record)
					}
				}
			}
			if total != 2 {
				t.Errorf("%d of 2 known faults seen", total)
			}
		})
	}
}
