package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mpx/internal/worker"

	"github.com/spf13/pflag"
)

// TestFlagCompletions holds the table of completions against the flags' usage:
// a choice, a file or a directory that help names must complete as such.
func TestFlagCompletions(t *testing.T) {
	values := flagCompletions()
	choice := regexp.MustCompile(`[^ \x60(]+\|[^ \x60)]+`)
	for _, cmd := range allCommands((&app{}).root(nil)) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			want := choice.FindString(f.Usage)
			if name, _ := pflag.UnquoteUsage(f); name == aFile || name == aDir {
				want = name
			}
			if got := values[f.Name]; want != "" && got != want {
				t.Errorf("%s --%s %s completes as %q", cmd.Name(), f.Name, want, got)
			}
		})
	}
}

func TestAlgorithmCompletions(t *testing.T) {
	got := slices.Sorted(slices.Values(strings.Split(flagCompletions()["algorithm"], "|")))
	if want := slices.Sorted(maps.Keys(worker.Algorithms)); !slices.Equal(got, want) {
		t.Errorf("%q complete, %q are there", got, want)
	}
}
