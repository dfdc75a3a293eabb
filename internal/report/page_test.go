package report

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mpx/internal/task"
)

func TestPageFigures(t *testing.T) {
	ran := func(seq uint64, slot int, from, elapsed time.Duration, s task.Status) task.Result {
		return task.Result{
			Task: task.Task{Seq: seq, Attempt: 1}, Status: s, Slot: slot, Worker: slot, Start: pageStart.Add(from), Elapsed: elapsed,
			Usage: task.Usage{User: time.Second, System: time.Second / 2, MaxRSS: int64(seq) << 20, Known: true},
		}
	}
	again := ran(2, 2, 0, 4*time.Second, task.Failed)
	again.Again = true
	results := append(notRun(2, task.Skipped, task.Cancelled),
		ran(1, 1, time.Second, 2*time.Second, task.OK),
		again,
		ran(2, 2, 5*time.Second, 5*time.Second, task.OK),
		ran(3, 1, 3*time.Second, time.Second, task.Signalled),
		ran(4, 1, 4*time.Second, 3*time.Second, task.TimedOut),
		ran(5, 1, 7*time.Second, time.Second, task.Lost))
	page := pageOf(t, 3, results)
	checkWellFormed(t, page)
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`<dt>(.*)</dt><dd>(.*)</dd>`).FindAllStringSubmatch(page, -1) {
		got[m[1]] = m[2]
	}
	want := map[string]string{
		"tasks": "7", "ok": "2", "failed": "1", "lost": "1", "timed out": "1", "skipped": "1", "cancelled": "1",
		"retried attempts": "1", "wall time": "10.0 s", "summed task time": "16.0 s", "slots busy": "80.0 %", "tasks a second": "0.5",
		"median run time": "2.00 s", "p95 run time": "5.00 s", "longest run time": "5.00 s",
		"user CPU": "6.00 s", "system CPU": "3.00 s", "peak memory": "5.00 MiB",
	}
	// Quantiles may be off by less than a percent, which shows.
	for _, k := range []string{"median run time", "p95 run time"} {
		d, err := time.ParseDuration(strings.ReplaceAll(got[k], " ", ""))
		if w, _ := time.ParseDuration(strings.ReplaceAll(want[k], " ", "")); err != nil || (d-w).Abs() > w/100 {
			t.Errorf("%s is %s, want %s", k, got[k], want[k])
		}
		delete(got, k)
		delete(want, k)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !strings.Contains(page, "One more job slot was not used.") {
		t.Error("the slot that was not used is not told")
	}
}

func TestPageFailed(t *testing.T) {
	failed := task.Result{Task: task.Task{Seq: 7, Attempt: 2}, Status: task.Failed, Exit: 127, Note: "no<such: command not found"}
	failed.Stderr = task.Bytes([]byte("first line\n" + strings.Repeat("x", maxTail-20) + "\n\x1b[1;31mlast\x1b[0m & \xff\a line\n"))
	page := pageOf(t, 1, []task.Result{failed})
	checkWellFormed(t, page)
	for _, want := range []string{
		`<td class="n">7</td><td><i class="key failed"></i>exit 127</td><td class="n">2</td>`,
		`<td class="cmd">convert &#39;photo 7.jpg&#39; 7.png</td>`,
		`<p>mpx: no&lt;such: command not found</p>`,
		`<p class="dim">… after 18 bytes of stderr</p><div class="tail"><pre>xxx`,
		"xxx\nlast &amp; \\xff\\a line\n</pre>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// The slowest are in order, the one that came first before its equals, whatever
// the order in which they came.
func TestPageSlowest(t *testing.T) {
	var results []task.Result
	for i := range 100 {
		d := time.Duration(1+i*37%50) * time.Second
		results = append(results, task.Result{Task: task.Task{Seq: uint64(i + 1)}, Slot: 1, Start: pageStart, Elapsed: d})
	}
	p := &Page{}
	for i := range results {
		if err := p.Record(&results[i]); err != nil {
			t.Fatal(err)
		}
	}
	var got []uint64
	for i, r := range p.slowest {
		if want := time.Duration(50-i/2) * time.Second; r.elapsed != want {
			t.Errorf("place %d took %v, want %v", i+1, r.elapsed, want)
		}
		got = append(got, r.seq)
	}
	if len(got) != maxSlowest || got[0] != got[1]-50 {
		t.Errorf("slowest are %v", got)
	}
}

func TestPageSizes(t *testing.T) {
	for _, c := range []struct {
		name string
		jobs int
		run  sampleRun
		most int
	}{
		{"few", 4, sampleRun{100, 4, 6, time.Second, .2, 1}, 100 << 10},
		{"one by one", 8, sampleRun{2_000, 8, 0, time.Second, .1, 0}, 1 << 20},
		{"many", 16, sampleRun{40_000, 16, 100, 40 * time.Millisecond, .1, 1}, 1 << 20},
		{"slots", 400, sampleRun{20_000, 400, 1, time.Minute, .1, 0}, 1 << 20},
	} {
		page := pageOf(t, c.jobs, c.run.results())
		checkWellFormed(t, page)
		if len(page) > c.most {
			t.Errorf("%s: the page has %d bytes", c.name, len(page))
		}
	}
}

// Even if all that tasks say grows as it is escaped, the page has a bound.
func TestPageFull(t *testing.T) {
	results := sampleRun{2_000, 8, 0, time.Second, 1, 0}.results()
	for i := range results {
		results[i].Stderr = task.Bytes([]byte(strings.Repeat("<", 2*maxTail)))
	}
	page := pageOf(t, 8, results)
	checkWellFormed(t, page)
	if len(page) > 1500<<10 || !strings.Contains(page, "stderr is left out") || !strings.Contains(page, "1,800 more failed") {
		t.Errorf("%d bytes; or what is left out is not told", len(page))
	}
}

func TestPageNothing(t *testing.T) {
	for _, c := range []struct {
		results []task.Result
		want    string
	}{
		{nil, "<p>No task came to its end.</p>"},
		{notRun(5, task.Skipped), "<p>No task came to its end.</p>"},
		{notRun(50, task.Cancelled, task.Skipped), "<p>No task came to its end. Cancelled: 25 of 50 tasks.</p>"},
	} {
		page := pageOf(t, 4, c.results)
		checkWellFormed(t, page)
		if !strings.Contains(page, c.want) || strings.Contains(page, "<svg") {
			t.Errorf("a picture of nothing, or no %s in %s", c.want, page)
		}
	}
}

func TestPageErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenPage(filepath.Join(dir, "no", "page.html"), PageOptions{}); err == nil || !strings.HasPrefix(err.Error(), "make report page: ") {
		t.Errorf("OpenPage in no directory: %v", err)
	}
	p, err := OpenPage("/dev/full", PageOptions{})
	if err != nil {
		t.Skip(err)
	}
	if err := p.Close(&Summary{}); err == nil || !strings.HasPrefix(err.Error(), "write report page: ") {
		t.Errorf("Close of a full device: %v", err)
	}
	path := filepath.Join(dir, "page.html")
	if _, err = OpenPage(path, PageOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("the file is not made at once")
	}
}

// Whatever bytes a run brings, the page is well-formed and asks for nothing
// from elsewhere.
func TestPageProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.OneOf(
			rapid.SampledFrom([]string{"<script src=\"//x\">", "</pre>", "]]>", "&amp;", "\x1b[31m", "\x1b]8;;a\x07", "\xff\xfe", "\x00", "\r\n", "\u202e", "\ufffe", "<!--", "'\"", "%s%d"}),
			rapid.String())
		text := func(name string) string { return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(rt, name), "") }
		o := PageOptions{Title: text("title"), Version: text("version"), Jobs: 2}
		command := text("command")
		o.Command = func(*task.Task, int) string { return command }
		var results []task.Result
		for i := range rapid.IntRange(0, 5).Draw(rt, "n") {
			res := task.Result{
				Task:   task.Task{Seq: uint64(i + 1), Attempt: 1},
				Status: rapid.SampledFrom([]task.Status{task.OK, task.Failed, task.Signalled, task.TimedOut, task.Lost, task.Skipped, task.Cancelled}).Draw(rt, "status"),
				Stderr: task.Bytes([]byte(text("stderr"))), Note: text("note"), Signal: rapid.IntRange(0, 70).Draw(rt, "signal"),
			}
			if rapid.Bool().Draw(rt, "ran") {
				res.Start, res.Slot = pageStart, rapid.IntRange(1, 3).Draw(rt, "slot")
				res.Elapsed = time.Duration(rapid.Int64Range(0, 1e18).Draw(rt, "elapsed"))
			}
			results = append(results, res)
		}
		checkWellFormed(t, pageWith(t, o, results))
	})
}

// checkWellFormed reads page as strict XML, and looks for elements and
// attributes that only a run can have brought in.
func checkWellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v in %.2000s", err, page)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if e.Name.Local == "script" {
			t.Fatal("a script on the page")
		}
		for _, a := range e.Attr {
			switch {
			case a.Name.Local == "src", a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#"):
				t.Fatalf("the page asks for %s", a.Value)
			case strings.Contains(a.Value, "NaN"), strings.Contains(a.Value, "Inf"), strings.Contains(a.Value, "%!"):
				t.Fatalf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
}
