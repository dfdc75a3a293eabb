package task

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// combinations is the model: groups split into runs of linked ones, cut to the
// shortest; then nested loops, the last innermost.
func combinations(groups [][]string, linked []bool) []string {
	var rows [][]string // of each run, the values joined
	for i, g := range groups {
		if i == 0 || !linked[i] {
			rows = append(rows, g)
			continue
		}
		last := &rows[len(rows)-1]
		n := min(len(*last), len(g))
		var paired []string
		for k := range n {
			paired = append(paired, (*last)[k]+"|"+g[k])
		}
		*last = paired
	}
	all := []string{""}
	for _, r := range rows {
		var next []string
		for _, a := range all {
			for _, b := range r {
				next = append(next, strings.TrimPrefix(a+"|"+b, "|"))
			}
		}
		all = next
	}
	return all
}

func TestGroupsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching("[a-c]{1,2}"), 0, 4)
		lists := rapid.SliceOfN(words, 2, 4).Draw(t, "groups")
		spec := SourceSpec{MaxBatch: rapid.IntRange(1, 4).Draw(t, "batch")}
		links := make([]bool, len(lists))
		for i, l := range lists {
			links[i] = i > 0 && rapid.Bool().Draw(t, "linked")
			spec.Groups = append(spec.Groups, Group{Values: l, Linked: links[i]})
		}
		if rapid.Bool().Draw(t, "first from stdin") {
			spec.Groups[0] = Group{IsFile: true, File: "-"}
			spec.Stdin = strings.NewReader(strings.Join(append(lists[0], ""), "\n"))
		}
		s, err := OpenSource(spec)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			tasks, err := s.Next()
			if err != nil {
				break
			}
			for i := range tasks {
				got = append(got, show(&tasks[i]))
			}
		}
		if want := combinations(lists, links); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// GNU parallel's order is ours, word for word.
func TestGroupsAsParallel(t *testing.T) {
	parallel, err := exec.LookPath("parallel")
	if err != nil {
		t.Skip("no GNU parallel")
	}
	if out, _ := exec.Command(parallel, "--version").Output(); !strings.HasPrefix(string(out), "GNU parallel") {
		t.Skip("another parallel")
	}
	abc, de := tempFile(t, "a\nb\nc\n"), tempFile(t, "d\ne\n")
	for _, line := range []string{
		"::: a b ::: c d e",
		"::: a b :::+ c d e",
		"::: a b c :::+ d e",
		"::: a b ::: x y z :::+ 1 2",
		"::: a b :::+ 1 2 ::: x y",
		"::: a b c d :::+ 1 2 3 :::+ X Y",
		":::: ABC DE",
		":::: ABC ::::+ DE",
		"::: 1 2 3 ::::+ ABC DE",
		":::: ABC ::: x :::: DE ABC",
		"--arg-sep ,, ,, a b ,,+ c d :::: DE",
		"--arg-sep ,, ,, a ::: b",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(strings.NewReplacer("ABC", abc, "DE", de).Replace(line))
			sep := ""
			var flags []string
			if words[0] == "--arg-sep" {
				sep, flags, words = words[1], words[:2], words[2:]
			}
			cmd := exec.Command(parallel, slices.Concat(flags, []string{"-k", "-j1", "echo"}, words)...)
			cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir(), "PARALLEL=")
			want, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			_, groups := SplitArgs(words, sep)
			got, err := drain(t, SourceSpec{Groups: groups})
			if err != nil {
				t.Fatal(err)
			}
			if g := strings.ReplaceAll(strings.Join(got, "\n")+"\n", "|", " "); g != string(want) {
				t.Errorf("got\n%swant\n%s", g, want)
			}
		})
	}
}

func TestGroupsSkip(t *testing.T) {
	got, err := drain(t, SourceSpec{
		SkipEmpty: true,
		Groups:    []Group{values("a", "", "c"), linked("1", "2", "3"), values("x", "")},
	})
	if err != nil || !slices.Equal(got, []string{"a|1|x", "c|3|x"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// Combinations are made as they are asked for: here there are 10^12.
func TestGroupsLazy(t *testing.T) {
	var words []string
	for i := range 1000 {
		words = append(words, fmt.Sprint(i))
	}
	s, err := OpenSource(SourceSpec{Groups: []Group{values(words...), values(words...), values(words...), values(words...)}})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := s.Next()
	if err != nil || len(tasks) != maxBatch || show(&tasks[maxBatch-1]) != "0|0|0|511" {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}
