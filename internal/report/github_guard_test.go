package report

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mpx/internal/task"
)

func TestCommandsStopped(t *testing.T) {
	for _, c := range []struct{ out, err, wantErr string }{
		{"plain: #[x] #", "#: [", "#: ["},
		{"a\n::error::x\n", "", stopLine},
		{"a ##[add-path]x", "e", stopLine + "e"},
		{"", "x::y", stopLine + "x::y"},
	} {
		var s screen
		r := github(t, &s, func(*Options) {})
		mustAdd(t, r, result(1, c.out, c.err))
		s.want(t, c.out, c.wantErr)
		stopped := r.err.guard.stopped
		mustAdd(t, r, result(2, "::later", ""))
		if want := c.out + "::later"; stopped {
			s.want(t, want, c.wantErr)
		} else {
			s.want(t, want, c.wantErr+stopLine)
		}
		s.out.Reset()
		s.err.Reset()
		mustClose(t, r)
		s.want(t, "", "\n::"+testToken+"::\n")
	}
}

// A line that the stop has ended is not ended again.
func TestCommandsStoppedMidLine(t *testing.T) {
	var s screen
	r := github(t, &s, func(*Options) {})
	mustAdd(t, r, result(1, "", "e"), result(2, "::", ""))
	r.Notice("n", "")
	s.want(t, "::", "e"+stopLine+"mpx: n\n")
}

// What goes to stderr waits for nothing: the line comes first, on a line of
// its own.
func TestCommandsStoppedOrder(t *testing.T) {
	var l log
	r := New(Options{Stdout: logStream{&l, "out"}, Stderr: logStream{&l, "err"}, GitHub: newGitHub(t, "")})
	mustAdd(t, r, result(1, "a", "b"), result(2, ":", ""), result(3, ":error", "::"))
	got := strings.Join(l.writes, " ")
	if want := fmt.Sprintf(`out "a" err "b" err "\n" err %q out "::error" err "::"`, stopLine[1:]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCommandsUngrouped(t *testing.T) {
	var s screen
	r := github(t, &s, func(o *Options) { o.Mode = Ungrouped })
	s.want(t, "", stopLine)
	s.err.WriteString("a task's unfinished line")
	s.err.Reset()
	mustClose(t, r)
	s.want(t, "", "\n::"+testToken+"::\n")
}

// Nothing is said where there is nothing to say.
func TestCommandsUntouched(t *testing.T) {
	var s screen
	r := github(t, &s, func(*Options) {})
	mustAdd(t, r, result(1, "a\n", "b\n"))
	mustClose(t, r)
	s.want(t, "a\n", "b\n")
}

// The message at the end is printed when commands are obeyed again.
func TestCommandsInMessage(t *testing.T) {
	var s screen
	r := github(t, &s, func(o *Options) { o.Display = recordText })
	bad := ended(1, task.Failed, 1, "", "")
	bad.Values = task.One([]byte("echo ##[add-path]/tmp"))
	mustAdd(t, r, bad)
	if got := mustClose(t, r).String(); !strings.Contains(got, "echo ## [add-path]/tmp") {
		t.Error(got)
	}
}

// A runner reads lines as that of GitHub Actions does. It obeys a line unless
// it was told to stop.
type runner struct {
	stopped string
	obeyed  []string
	line    []byte
}

var command = regexp.MustCompile(`^\s*::([^: ]*)[^:]*::(.*)`)

func (r *runner) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\n' && c != '\r' {
			r.line = append(r.line, c)
			continue
		}
		line := string(r.line)
		r.line = r.line[:0]
		m := command.FindStringSubmatch(line)
		switch {
		case m == nil && !strings.Contains(line, "##["):
		case r.stopped != "" && m != nil && m[1] == r.stopped:
			r.stopped = ""
		case r.stopped != "":
		case m != nil && m[1] == "stop-commands":
			r.stopped = m[2]
		default:
			r.obeyed = append(r.obeyed, line)
		}
	}
	return len(p), nil
}

// However output is cut, and though both streams be one pipe that was left in
// the midst of a line, no command of a task's is obeyed and all of mpx's are.
func TestNoCommandObeyedProperty(t *testing.T) {
	piece := rapid.SampledFrom([]string{"::", ":", "#", "##", "[", "##[", "error", "\n", "\r", " ", "::error::x\n", "##[error]x\n", "a", "::" + testToken[1:] + "::\n"})
	rapid.Check(t, func(rt *rapid.T) {
		to := &runner{line: []byte("begun by another")}
		o := Options{Stdout: to, Stderr: to, GitHub: newGitHub(t, ""), Mode: rapid.SampledFrom([]Mode{Grouped, LineBuffered, JSON}).Draw(rt, "mode")}
		o.Display = recordText
		if rapid.Bool().Draw(rt, "tagged") {
			o.Tag = recordTag
		}
		r := New(o)
		failed := 0
		for seq := range uint64(rapid.IntRange(0, 5).Draw(rt, "n")) {
			text := func(name string) string {
				return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(rt, name), "")
			}
			res := ended(seq+1, rapid.SampledFrom([]task.Status{task.OK, task.Failed}).Draw(rt, "status"), 1, "", "")
			res.Values = task.One([]byte(text("record")))
			if res.Status == task.Failed {
				failed++
			}
			if o.Mode == LineBuffered {
				for range 3 {
					if err := r.Live(&res.Task, 1, rapid.Bool().Draw(rt, "stderr"), []byte(text("piece"))); err != nil {
						rt.Fatal(err)
					}
				}
			}
			res.Stdout, res.Stderr = task.Bytes([]byte(text("out"))), task.Bytes([]byte(text("err")))
			res.Note = text("note")
			if _, err := r.Add([]task.Result{res}); err != nil {
				rt.Fatal(err)
			}
		}
		sum, err := r.Close()
		fmt.Fprint(to, sum.String())
		if err != nil || len(to.obeyed) != failed || to.stopped != "" {
			rt.Fatalf("%d failures, but obeyed %q; stopped by %q; %v", failed, to.obeyed, to.stopped, err)
		}
		for _, line := range to.obeyed {
			if !strings.HasPrefix(line, "::error title=mpx%3A task ") {
				rt.Fatalf("obeyed %q", line)
			}
		}
	})
}

// settle returns when the pipe has been read, not before.
func TestSettle(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	fmt.Fprint(out, "words")
	if n := unread(out); n != 5 {
		t.Errorf("%d bytes unread, want 5", n)
	}
	done := make(chan time.Time, 1)
	go func() {
		settle(out)
		done <- time.Now()
	}()
	read := time.Now()
	if _, err := in.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if at := <-done; at.Sub(read) < settleLook {
		t.Errorf("settled %v after it was read", at.Sub(read))
	}
}
