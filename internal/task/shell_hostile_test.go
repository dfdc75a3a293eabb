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
	"syscall"
	"testing"
)

var allLines = flag.Bool("lines", false, "give every hostile record to every line of TestHostileRecords")

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

// hostileLines returns the lines to be tried: testdata/hostile_builtins with each
// builtin's name for B (no number there may be a process's), hostile_places as
// they are, and some for each variable that a shell has.
func hostileLines(t *testing.T) []string {
	lines := strings.Split(readTestdata(t, "hostile_places"), "\n")
	for _, name := range strings.Fields(readTestdata(t, "hostile_variables")) {
		lines = append(lines, name+"={}; :", "export "+name+"={}; :", "for "+name+" in {}; do :; done")
	}
	var names []string
	for name := range builtins {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for l := range strings.Lines(readTestdata(t, "hostile_builtins")) {
			l = strings.Replace(strings.TrimSpace(l), "B", name, 1)
			if name == "[" {
				l = strings.Replace(l+";", ";", " ];", 1)
			}
			lines = append(lines, l)
		}
	}
	return lines
}

func readTestdata(t *testing.T, name string) string {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// hostileCases returns lines that shell accepts, with records: all of them, or n
// that are drawn by a fixed seed.
func hostileCases(t *testing.T, shell []string, n int, file string) []hostileCase {
	lines := hostileLines(t)
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
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // suspend stops a whole group
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
	for _, shell := range append(shells(t), words("ksh93")) {
		if !haveCommand(shell[0]) {
			continue
		}
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "P")
			cases := hostileCases(t, shell, n, file)
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
