package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// peerLine is a block of docs/COMING-FROM.md: ```sh TOOL [status=N] [except=FILE].
type peerLine struct {
	tool, script string
	status       int
	except       string // a file or directory made by the line that cannot be the peer's, byte for byte
}

// peerExample is a section of the document: a line of a peer, then mpx's.
type peerExample struct{ peer, mpx *peerLine }

var (
	exampleHead  = regexp.MustCompile(`(?m)^### (\d+)\. .*\n`)
	exampleBlock = regexp.MustCompile("(?ms)^```sh (.*?)\n(.*?)^```$")
)

// readExamples returns the document's examples, which must be numbered from 1
// and each have its two lines.
func readExamples(t *testing.T, path string) (all []peerExample) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	heads := exampleHead.FindAllStringSubmatchIndex(doc, -1)
	for i, h := range heads {
		end := len(doc)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		head := doc[h[0]:h[1]]
		if doc[h[2]:h[3]] != strconv.Itoa(i+1) {
			t.Fatalf("example %d has another number: %s", i+1, head)
		}
		blocks := exampleBlock.FindAllStringSubmatch(doc[h[1]:end], -1)
		if len(blocks) != 2 {
			t.Fatalf("%d lines, want a peer's and mpx's: %s", len(blocks), head)
		}
		e := peerExample{readLine(t, blocks[0]), readLine(t, blocks[1])}
		if e.peer.tool != "xargs" && e.peer.tool != "parallel" || e.mpx.tool != "mpx" {
			t.Fatalf("lines of %s and %s: %s", e.peer.tool, e.mpx.tool, head)
		}
		all = append(all, e)
	}
	return all
}

// readLine reads a match of exampleBlock.
func readLine(t *testing.T, block []string) *peerLine {
	t.Helper()
	marks := strings.Fields(block[1])
	l := &peerLine{tool: marks[0], script: block[2]}
	if !strings.Contains(l.script, l.tool+" ") {
		t.Fatalf("a line of %s without it: %s", l.tool, l.script)
	}
	for _, mark := range marks[1:] {
		key, value, _ := strings.Cut(mark, "=")
		n, err := strconv.Atoi(value)
		switch {
		case key == "status" && err == nil:
			l.status = n
		case key == "except":
			l.except = value
		default:
			t.Fatalf("unknown mark %q: %s", mark, block[0])
		}
	}
	return l
}

// tree is a directory: the content of each regular file by its path in it.
type tree map[string]string

func (tr tree) names() []string { return slices.Sorted(maps.Keys(tr)) }

func fixtures(t *testing.T) tree {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(comingFromData, "files.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	tr := tree{}
	for _, f := range a.Files {
		tr[f.Name] = string(f.Data)
	}
	return tr
}

// write makes the directory. A file that starts with #! can be run: at once, as
// no process starts meanwhile that would have it open for writing.
func (tr tree) write(t *testing.T, dir string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, content := range tr {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, content)
		if strings.HasPrefix(content, "#!") {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func readTree(t *testing.T, dir string) tree {
	t.Helper()
	tr := tree{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		tr[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// lineOutcome tells in txtar's form what a line did: its stdout, whether its status
// was zero, and the files that it made, changed or removed, save those below
// except.
func lineOutcome(stdout string, ok bool, before, after tree, except string) string {
	status := "not zero"
	if ok {
		status = "zero"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "status %s\n-- stdout --\n%s", status, stdout)
	for _, name := range after.names() {
		old, had := before[name]
		if except != "" && (name == except || strings.HasPrefix(name, except+"/")) || had && old == after[name] {
			continue
		}
		fmt.Fprintf(&b, "-- made/%s --\n%s", name, after[name])
	}
	for _, name := range before.names() {
		if _, has := after[name]; !has {
			fmt.Fprintf(&b, "-- removed/%s --\n", name)
		}
	}
	return b.String()
}
