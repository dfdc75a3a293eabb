// Package internal holds the import rule as a test.
package internal

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rule says which of mpx's own packages, and which libraries, a package may
// import. Imports run one way. DO NOT CHANGE THIS TO FIX A BUILD: ARCHITECTURE.md
// gives the reasons.
var rule = map[string][]string{
	"mpx/internal/task":   {"github.com/mattn/go-shellwords", "golang.org/x/sys/unix"},
	"mpx/internal/proc":   {"golang.org/x/sys/unix", "unsafe"},
	"mpx/internal/shm":    {"golang.org/x/sys/unix", "unsafe"},
	"mpx/internal/ipc":    {"mpx/internal/shm", "golang.org/x/sys/unix"},
	"mpx/internal/stats":  {},
	"mpx/internal/worker": {"mpx/internal/task", "mpx/internal/proc", "mpx/internal/shm", "mpx/internal/ipc", "golang.org/x/sys/unix"},
	"mpx/internal/pool":   {"mpx/internal/task", "mpx/internal/proc", "mpx/internal/shm", "mpx/internal/ipc", "mpx/internal/stats", "golang.org/x/sys/unix"},
	"mpx/internal/server": {"mpx/internal/pool", "mpx/internal/ipc", "mpx/internal/task", "mpx/internal/proc", "mpx/internal/shm", "golang.org/x/sys/unix"},
	"mpx/internal/report": {"mpx/internal/task", "mpx/internal/stats", "golang.org/x/sys/unix"},
	// Of tests alone.
	"mpx/internal/killpoint": {"golang.org/x/sys/unix"},
	// A program of its own, which knows mpx by what it prints.
	"mpx/internal/tools/man": {},
	"mpx/cmd/mpx": {
		"mpx/internal/task", "mpx/internal/pool", "mpx/internal/report", "mpx/internal/worker", "mpx/internal/ipc", "mpx/internal/proc",
		"mpx/internal/server", "mpx/internal/shm", "mpx/internal/stats", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/sys/unix",
	},
}

// std are packages of the standard library that only some may import.
var std = []string{"unsafe"}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "mpx/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pkg == "mpx/internal" {
			continue
		}
		allowed, ok := rule[pkg]
		if !ok {
			t.Errorf("package %s has no rule", pkg)
			continue
		}
		seen++
		for _, imp := range strings.Fields(imports) {
			foreign := strings.Contains(imp, ".") || strings.HasPrefix(imp, "mpx/") || slices.Contains(std, imp)
			if foreign && !slices.Contains(allowed, imp) {
				t.Errorf("%s may not import %s", pkg, imp)
			}
		}
	}
	if seen == 0 {
		t.Error("no package seen")
	}
}
