package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// build returns mpx and the directory of its pages.
func build(t *testing.T) (mpx, dir string) {
	t.Helper()
	dir = t.TempDir()
	mpx = filepath.Join(dir, "mpx")
	if out, err := exec.Command("go", "build", "-o", mpx, "mpx/cmd/mpx").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := write(mpx, dir, source{date: "2026-01-02", version: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	return mpx, dir
}

func TestPages(t *testing.T) {
	mpx, dir := build(t)
	root, err := helpOf(mpx)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, mpx, dir, "mpx")
	for _, c := range root.commands() {
		checkPage(t, mpx, dir, "mpx-"+c.name, c.name)
	}
	pages, _ := filepath.Glob(filepath.Join(dir, "*.1"))
	if len(pages) != len(root.commands())+1 || len(pages) < 5 {
		t.Errorf("%d pages, %d commands", len(pages), len(root.commands()))
	}
}

var flagName = regexp.MustCompile(`(?m)^ {2,6}(?:(-\w), )?(--[a-z-]+)`)

// flagsOf returns the flags that a help tells of.
func flagsOf(help []byte) [][]string {
	_, flags, _ := strings.Cut(string(help), "\nFLAGS\n")
	return flagName.FindAllStringSubmatch(flags, -1)
}

// checkPage holds a page against the help of its command: every flag is there, its
// own and those of its subcommands, and the sections are.
func checkPage(t *testing.T, mpx, dir, name string, command ...string) {
	t.Helper()
	out, err := exec.Command(mpx, append(command, "--help")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, name+".1"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, title := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"} {
		if strings.Count(page, "\n.SH "+title+"\n") != 1 {
			t.Errorf("%s: want one section %s", name, title)
		}
	}
	found := flagsOf(out)
	h := parse(string(out))
	for _, v := range h.verbs() {
		out, err := exec.Command(mpx, append(command, v.name, "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, slices.DeleteFunc(flagsOf(out), func(m []string) bool { return m[2] == "--help" })...)
		if !strings.Contains(page, "\n.TP\n"+synopsis(v.usage)+"\n") {
			t.Errorf("%s: %s is missing", name, v.usage)
		}
	}
	for _, m := range found {
		want := bold(m[2])
		if m[1] != "" {
			want = bold(m[1]) + ", " + want
		}
		if !strings.Contains(page, "\n.TP\n"+want) {
			t.Errorf("%s: %s is missing", name, m[0])
		}
	}
	if n := strings.Count(page, "\n.TP\n\\fB\\-"); len(found) == 0 || n != len(found) {
		t.Errorf("%s: %d flags in help, %d in the page", name, len(found), n)
	}
}

func TestPagesAreSound(t *testing.T) {
	_, dir := build(t)
	pages, _ := filepath.Glob(filepath.Join(dir, "*.1"))
	ran := false
	for _, check := range [][]string{{"mandoc", "-Tlint", "-Wwarning"}, {"groff", "-man", "-ww", "-z"}} {
		if _, err := exec.LookPath(check[0]); err != nil {
			continue
		}
		ran = true
		for _, p := range pages {
			if out, err := exec.Command(check[0], append(check[1:], p)...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v\n%s", check[0], err, out)
			}
		}
	}
	if !ran {
		t.Skip("neither mandoc nor groff")
	}
}

func TestRoff(t *testing.T) {
	h := parse("Do it.\n\n.profile is read, '{.}' too: a\\nb – \"c\"\n'tis so.\n\n  kept   as it is\n\nUSAGE\n  mpx it [flags] X\n\n" +
		"EXAMPLES\n  mpx it -x   # ~\n\nFLAGS\n  -x, --long A|B   one\n                   two\n      --other      three\n\n" +
		"PLACES\nhere\n\nEXIT STATUS\n  0     fine\n  128+N bad,\n        worse\n\n  And more.\n")
	p := commandPage(command{"it", "Do it"}, h, []command{{"it", "Do it"}, {"that", "Do that"}})
	const want = `.TH MPX-IT 1 2026-01-02 "mpx 1.2.3" "mpx"
.SH NAME
mpx\-it \- do it
.SH SYNOPSIS
\fBmpx\fR \fBit\fR [flags] X
.SH DESCRIPTION
Do it.
.PP
\&.profile is read, \(aq{.}\(aq too: a\(rsnb \[u2013] \(dqc\(dq
\&\(aqtis so.
.PP
.EX
.in +4n
kept   as it is
.in
.EE
.SH OPTIONS
.TP
\fB\-x\fR, \fB\-\-long\fR \fIA|B\fR
one two
.TP
\fB\-\-other\fR
three
.SH EXAMPLES
.EX
.in +4n
mpx it \-x   # \(ti
.in
.EE
.SH PLACES
here
.SH EXIT STATUS
.TP
\fB0\fR
fine
.TP
\fB128+N\fR
bad, worse
.PP
And more.
.SH SEE ALSO
.BR mpx (1),
.BR mpx\-that (1)
`
	if got := p.roff(source{"2026-01-02", "1.2.3"}); got != want {
		t.Errorf("got\n%s", got)
	}
}
