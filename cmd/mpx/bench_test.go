package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// A pools' contest with these times, of ten tasks.
func contested(times map[int][]float64) *contest {
	c := &contest{what: "work", tasks: 10}
	for _, workers := range slices.Sorted(maps.Keys(times)) {
		w := &way{name: "sequential", line: "work", kind: "exec", workers: workers}
		if workers > 0 {
			w.name, w.base = "-j "+string(rune('0'+workers)), c.ways[0]
			w.line = "mpx map " + w.name + " work"
			w.params = map[string]string{"jobs": w.name[3:], "chunksize": "auto"}
		}
		for _, s := range times[workers] {
			w.runs = append(w.runs, benchRun{seconds: s})
		}
		c.ways = append(c.ways, w)
	}
	return c
}

func usualContest() *contest {
	return contested(map[int][]float64{
		0: {.050, .051, .049, .050, .052},
		1: {.052, .050, .051, .053, .049},
		2: {.026, .027, .027, .028, .027},
		4: {.054, .070, .065, .066, .060},
	})
}

func kinds(r *benchResult) (all []string) {
	for _, w := range r.warnings {
		all = append(all, w.Kind)
	}
	return all
}

func TestBenchTable(t *testing.T) {
	const heading = `work
10 tasks of 5.00 ms; 5 runs of each way in turn, after 1 to warm up

`
	const verdict = `
A pool of 2 pays for tasks longer than about 400 µs; yours take 5.00 ms.
`
	for _, c := range []struct {
		name string
		st   tableStyle
		want string
	}{
		{"piped", tableStyle{width: 80}, `               time            speed-up       efficiency  overhead
sequential  50.0 ms ±2 %     1                                      ######
-j 1        51.0 ms ±2 %  0.98 (0.93–1.03) ~        98 %    100 µs  ######
-j 2        27.0 ms ±0 %  1.85 (1.76–1.95)          93 %    400 µs  ############
-j 4        65.0 ms ±8 %  0.77 (0.67–0.88)          19 %   21.0 ms  #####
`},
		{"blocks", tableStyle{width: 80, blocks: true}, `               time            speed-up       efficiency  overhead
sequential  50.0 ms ±2 %     1                                      ██████▌
-j 1        51.0 ms ±2 %  0.98 (0.93–1.03) ~        98 %    100 µs  ██████▍
-j 2        27.0 ms ±0 %  1.85 (1.76–1.95)          93 %    400 µs  ████████████
-j 4        65.0 ms ±8 %  0.77 (0.67–0.88)          19 %   21.0 ms  █████
`},
		{"colour", tableStyle{width: 80, colour: true}, `               time            speed-up       efficiency  overhead
sequential  50.0 ms ±2 %     1                                      ` + "\x1b" + `[2m######` + "\x1b" + `[m
-j 1        51.0 ms ±2 %  0.98 (0.93–1.03) ~        98 %    100 µs  ` + "\x1b" + `[2m######` + "\x1b" + `[m
-j 2        27.0 ms ±0 %  1.85 (1.76–1.95)          93 %    400 µs  ` + "\x1b" + `[32m############` + "\x1b" + `[m
-j 4        65.0 ms ±8 %  0.77 (0.67–0.88)          19 %   21.0 ms  ` + "\x1b" + `[31m#####` + "\x1b" + `[m
`},
		{"no room for bars", tableStyle{width: 70}, `               time            speed-up       efficiency  overhead
sequential  50.0 ms ±2 %     1
-j 1        51.0 ms ±2 %  0.98 (0.93–1.03) ~        98 %    100 µs
-j 2        27.0 ms ±0 %  1.85 (1.76–1.95)          93 %    400 µs
-j 4        65.0 ms ±8 %  0.77 (0.67–0.88)          19 %   21.0 ms
`},
		{"narrow", tableStyle{width: 40}, `               time
sequential  50.0 ms ±2 %     1  ####
-j 1        51.0 ms ±2 %  0.98  ####
-j 2        27.0 ms ±0 %  1.85  ########
-j 4        65.0 ms ±8 %  0.77  ###
`},
	} {
		got := usualContest().sum(2, 1).text(c.st)
		if d := diff.Diff("want", []byte(heading+c.want+verdict), "got", []byte(got)); d != nil {
			t.Errorf("%s:\n%s", c.name, d)
		}
	}
}

func TestBenchTableASCII(t *testing.T) {
	got := usualContest().sum(2, 1).text(tableStyle{width: 80, ascii: true})
	for _, want := range []string{"               time             speed-up ", "50.0 ms +-2 %     1 ", "(0.93-1.03) ~        98 %    100 us  ####", "about 400 us;"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestBenchWarnings(t *testing.T) {
	s := usualContest().sum(2, 1)
	for i, want := range [][]string{nil, {"unclear"}, nil, {"noise", "processors"}} {
		if got := kinds(s.results[i]); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", s.results[i].name, got, want)
		}
	}
	c := contested(map[int][]float64{0: {9, 1, 1.01, 1.02, 1.01}, 2: {.5, .51, .52, .51, 9}})
	c.tasks = 1
	c.ways[1].runs[0].failures = failures{1, "exit 3"}
	s = c.sum(4, 0)
	for i, want := range [][]string{{"outliers"}, {"failed", "outliers", "tasks", "unclear"}} {
		if got := kinds(s.results[i]); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", s.results[i].name, got, want)
		}
	}
	if got := s.results[0].warnings[0].Try; got != "--warmup 1" {
		t.Errorf("a slow first run: try %s", got)
	}
	if got := s.results[1].warnings[1].Seen; got != "1 run took nothing like the others" {
		t.Errorf("a slow last run: %s", got)
	}
	for i := range s.results {
		for _, w := range s.results[i].warnings {
			if w.Seen == "" || w.Why == "" || w.Try == "" {
				t.Errorf("a part is missing: %+v", w)
			}
		}
	}
}

func TestBenchVerdicts(t *testing.T) {
	for _, c := range []struct {
		workers   int
		seq, pool float64
		want      string
	}{
		{4, .031, .01, "A pool of 4 pays for tasks longer than about 300 µs; yours take 3.10 ms."},
		{2, .001, .002, "A pool of 2 pays for tasks longer than about 300 µs; yours take 100 µs, so it loses."},
		{2, .02, .01, "A pool of 2 costs less than could be seen, and pays for tasks of any length; yours take 2.00 ms."},
		{1, .02, .03, "A pool of 1 does one task at a time here, and pays for none; yours take 2.00 ms."},
	} {
		s := contested(map[int][]float64{0: {c.seq}, c.workers: {c.pool}}).sum(8, 0)
		if got := s.verdicts(); len(got) != 1 || got[0] != c.want {
			t.Errorf("got %q\nwant %q", got, c.want)
		}
	}
}

// Every result is one value of JSON that has all keys, whatever the command.
func TestBenchJSON(t *testing.T) {
	c := usualContest()
	c.ways[0].line = "a\x00\xff\"<&>\n"
	c.ways[1].stays = true
	b, err := c.sum(2, 1).json()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Results []map[string]any
		Tasks   int
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if len(got.Results) != 4 || got.Tasks != 10 || bytes.Count(b, []byte("\n")) != 6 {
		t.Errorf("%s", b)
	}
	for _, r := range got.Results {
		if len(r) != 19 {
			t.Errorf("%d keys in %v", len(r), r)
		}
	}
	if got := got.Results[0]["command"]; got != "a\x00\uFFFD\"<&>\n" {
		t.Errorf("command %q", got)
	}
	if r := got.Results[1]; r["user"] != nil || r["break_even_seconds"] != nil {
		t.Errorf("they are not known: %v", r)
	}
}

func TestMarkdownCode(t *testing.T) {
	for text, want := range map[string]string{
		"a b":   "`a b`",
		"a|b":   "`a\\|b`",
		"a`b":   "`` a`b ``",
		"``":    "``` `` ```",
		"a\nb":  "`a b`",
		"\xff`": "`` \uFFFD` ``",
	} {
		if got := code(text); got != want {
			t.Errorf("code(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	for columns, want := range map[float64]string{0: "▏", .5: "▌", 1: "█", 2.75: "██▊", 3.99: "████"} {
		if got := bar(columns, true); got != want {
			t.Errorf("bar(%v) = %q, want %q", columns, got, want)
		}
	}
	if got := bar(2.6, false); got != "###" {
		t.Errorf("plain bar: %q", got)
	}
}

// Each round does all once, and its order is not that of the round before for
// ever: no way always follows the same other.
func TestContestOrder(t *testing.T) {
	c := &contest{tasks: 1}
	var order []string
	for _, name := range []string{"a", "b", "c"} {
		c.ways = append(c.ways, &way{name: name, do: func() (failures, error) {
			order = append(order, name)
			return failures{}, nil
		}})
	}
	if err := c.run(1, 20, &benchScreen{}); err != nil {
		t.Fatal(err)
	}
	rounds := map[string]bool{}
	for round := range slices.Chunk(order, 3) {
		rounds[strings.Join(round, "")] = true
		slices.Sort(round)
		if !slices.Equal(round, []string{"a", "b", "c"}) {
			t.Errorf("a round of %q", round)
		}
	}
	if len(order) != 63 || len(rounds) != 6 {
		t.Errorf("%d runs in %d orders", len(order), len(rounds))
	}
	for _, w := range c.ways {
		if len(w.runs) != 20 {
			t.Errorf("%s: %d runs count", w.name, len(w.runs))
		}
	}
}

// On a terminal a line says how far it is, and is gone in the end.
func TestBenchProgress(t *testing.T) {
	s := newTerminal(t, 90)
	c := exec.Command("mpx", "bench", "-j", "2", "--runs", "1", "until test -e go; do sleep 0.01; done; : {}", ":::", "1")
	c.Env = append(os.Environ(), "TERM=xterm", "MPX_PROGRESS=", "NO_COLOR=", "LC_ALL=C.UTF-8")
	c.Dir = t.TempDir()
	s.start(c)
	s.eventually("mpx: round 1 of 2: ")
	if err := os.WriteFile(filepath.Join(c.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	<-s.over
	s.mu.Lock()
	defer s.mu.Unlock()
	got := strings.Join(s.rows, "\n")
	if strings.Contains(got, "round") || !strings.Contains(got, "sequential ") {
		t.Errorf("in the end the screen shows %q", got)
	}
	for _, want := range []string{"round 2 of 2: ", " left", "\x1b[2m█"} {
		if !strings.Contains(s.raw.String(), want) {
			t.Errorf("no %q in %q", want, s.raw.String())
		}
	}
}
