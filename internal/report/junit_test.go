package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mpx/internal/task"
)

type junitFigures struct {
	Tests    int     `xml:"tests,attr"`
	Failures int     `xml:"failures,attr"`
	Errors   int     `xml:"errors,attr"`
	Skipped  int     `xml:"skipped,attr"`
	Time     float64 `xml:"time,attr"`
}

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitFigures
	Suite struct {
		Name string `xml:"name,attr"`
		junitFigures
		Timestamp string          `xml:"timestamp,attr"`
		Hostname  string          `xml:"hostname,attr"`
		Cases     []junitTestCase `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitTestCase struct {
	Class    string        `xml:"classname,attr"`
	Name     string        `xml:"name,attr"`
	Time     string        `xml:"time,attr"`
	Failure  *junitFailure `xml:"failure"`
	Error    *junitFailure `xml:"error"`
	Skipped  *junitFailure `xml:"skipped"`
	Out      string        `xml:"system-out"`
	Property *struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	} `xml:"properties>property"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func recordText(t *task.Task, _ int) string { return string(t.Values.At(0)) }

func openJUnit(t testing.TB) (path string, j *JUnit) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "junit.xml")
	j, err := OpenJUnit(path, dir, JUnitOptions{Name: "mpx map", Command: recordText})
	if err != nil {
		t.Fatal(err)
	}
	return path, j
}

// readJUnit closes j and reads its file back.
func readJUnit(path string, j *JUnit) (s junitSuites, err error) {
	if err := j.Close(&Summary{}); err != nil {
		return s, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if !utf8.Valid(b) {
		return s, errNotText
	}
	if err := xml.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%w in %.1000s", err, b)
	}
	return s, nil
}

func mustRead(t testing.TB, path string, j *JUnit) junitSuites {
	t.Helper()
	s, err := readJUnit(path, j)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustRecord(t testing.TB, rec Recorder, all ...task.Result) {
	t.Helper()
	for i := range all {
		if err := rec.Record(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// ended returns a task that ended so: with exit status or signal code.
func ended(seq uint64, status task.Status, code int, out, err string) task.Result {
	res := result(seq, out, err)
	switch res.Status = status; status {
	case task.Failed:
		res.Exit = code
	case task.Signalled:
		res.Signal = code
	}
	return res
}

func TestJUnitCases(t *testing.T) {
	path, j := openJUnit(t)
	ok := ended(1, task.OK, 0, "out", "err")
	ok.Elapsed, ok.Attempt = 1500*time.Microsecond, 3
	lost := ended(5, task.Lost, 0, "", "")
	lost.Attempt, lost.Note = 2, "worker \x1b[1mdied\x1b[m"
	before := ended(6, task.Skipped, 0, "", "")
	before.Before = true
	again := ended(9, task.Failed, 1, "", "")
	again.Again = true
	mustRecord(
		t, j, again, ok,
		ended(2, task.Failed, 3, "", "\x1b[31mred\x1b[0m ]]> & <b>\n"),
		ended(3, task.Signalled, 9, "out\r\n", ""),
		ended(4, task.TimedOut, 0, "", "\x00"),
		lost, before,
		ended(7, task.Skipped, 0, "", ""),
		ended(8, task.Cancelled, 0, "out", "err"),
	)
	s := mustRead(t, path, j)
	if s.Name != "mpx map" || s.Suite.Name != "mpx map" || s.junitFigures != s.Suite.junitFigures {
		t.Errorf("%+v", s)
	}
	if _, err := time.Parse("2006-01-02T15:04:05", s.Suite.Timestamp); err != nil {
		t.Error(err)
	}
	s.Time = 0
	if want := (junitFigures{Tests: 8, Failures: 3, Errors: 1, Skipped: 3}); s.junitFigures != want {
		t.Errorf("figures %+v, want %+v", s.junitFigures, want)
	}
	var got []string
	for i, c := range s.Suite.Cases {
		line := fmt.Sprintf("%s %s", c.Name, c.Time)
		if c.Class != "mpx.map" || c.Name != fmt.Sprint(i+1) {
			t.Errorf("case %d is %s %s", i, c.Class, c.Name)
		}
		for name, f := range map[string]*junitFailure{"failure": c.Failure, "error": c.Error, "skipped": c.Skipped} {
			if f != nil {
				line += fmt.Sprintf(" %s %q %q %q", name, f.Message, f.Type, f.Text)
			}
		}
		if c.Property != nil {
			line += " " + c.Property.Name + "=" + c.Property.Value
		}
		if c.Out != "" {
			line += fmt.Sprintf(" out %q", c.Out)
		}
		got = append(got, line)
	}
	want := []string{
		`1 0.001500 attempts=3`,
		`2 0.000000 failure "exit 3" "exit" "red ]]> & <b>\n"`,
		`3 0.000000 failure "SIGKILL" "signal" "" out "out\r\n"`,
		`4 0.000000 failure "timeout" "timeout" "` + "\uFFFD" + `"`,
		`5 0.000000 error "lost (attempt 2)" "lost" "worker died\n" attempts=2`,
		`6 0.000000 skipped "done by an earlier run" "" ""`,
		`7 0.000000 skipped "not run: --halt" "" ""`,
		`8 0.000000 skipped "cancelled: the run was ended" "" ""`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Names keep tasks apart whose records differ in control characters.
func TestJUnitNames(t *testing.T) {
	path, j := openJUnit(t)
	for _, record := range []string{"a\x00", "a\x01\n", "\xed\xa0\x80", "\x1b[1mb", "\uFFFE", "", strings.Repeat("é", 1000)} {
		res := result(7, "", "")
		res.Values = task.One([]byte(record))
		mustRecord(t, j, res)
	}
	var got []string
	for _, c := range mustRead(t, path, j).Suite.Cases {
		got = append(got, c.Name)
	}
	want := []string{`a\x00`, `a\x01\n`, `\xed\xa0\x80`, "b", `\ufffe`, "task 7", strings.Repeat("é", 512) + "…"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Only the ends of outputs are told, and no more of a character than all.
func TestJUnitTails(t *testing.T) {
	path, j := openJUnit(t)
	res := ended(1, task.Failed, 1, "", "")
	long := strings.Repeat("é", maxCaseOutput) + "x"
	res.Stdout, res.Stderr = spilled(t, newStore(t), long), task.Bytes([]byte(long))
	mustRecord(t, j, res)
	c := mustRead(t, path, j).Suite.Cases[0]
	want := strings.Repeat("é", maxCaseOutput/2-1) + "x"
	if c.Failure.Text != want || c.Out != want {
		t.Errorf("%d bytes of stderr, %d of stdout, want %d", len(c.Failure.Text), len(c.Out), len(want))
	}
}

// Cases wait on disk, not in memory.
func TestJUnitMany(t *testing.T) {
	path, j := openJUnit(t)
	const n = 20_000
	res := result(1, "", "")
	for range n {
		mustRecord(t, j, res)
	}
	if mem, all := j.cases.body.Mem(); all || len(mem) > bufferSize || cap(j.cases.buf) > 2*bufferSize {
		t.Errorf("%d and %d bytes in memory", len(mem), cap(j.cases.buf))
	}
	if s := mustRead(t, path, j); s.Tests != n || len(s.Suite.Cases) != n {
		t.Errorf("%d of %d cases", len(s.Suite.Cases), s.Tests)
	}
}

// Whatever tasks print and records hold, the file is XML and tells of all.
func TestJUnitProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path, j := openJUnit(t)
		n := rapid.IntRange(0, 5).Draw(rt, "n")
		text := rapid.OneOf(
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringOf(rapid.SampledFrom([]rune("\x1b[]m;1>&<\"'\x00\r\n\t\uFFFE\uFFFFé"))),
		)
		for seq := range n {
			res := ended(uint64(seq), task.Status(rapid.IntRange(0, int(task.Cancelled)).Draw(rt, "status")), 1, text.Draw(rt, "out"), text.Draw(rt, "err"))
			res.Values = task.One([]byte(text.Draw(rt, "record")))
			res.Note = text.Draw(rt, "note")
			if err := j.Record(&res); err != nil {
				rt.Fatal(err)
			}
		}
		if s, err := readJUnit(path, j); err != nil || s.Tests != n || len(s.Suite.Cases) != n {
			rt.Fatalf("%d of %d cases, %v", len(s.Suite.Cases), n, err)
		}
	})
}

func TestJUnitPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		b, _ := os.ReadFile(path)
		got <- b
	}()
	j, err := OpenJUnit(path, "", JUnitOptions{Name: "mpx map"})
	if err != nil {
		t.Fatal(err)
	}
	mustRecord(t, j, result(4, "", ""))
	if err := j.Close(&Summary{}); err != nil {
		t.Error(err)
	}
	var s junitSuites
	if err := xml.Unmarshal(<-got, &s); err != nil || s.Suite.Cases[0].Name != "task 4" {
		t.Error(err, s)
	}
}

func TestJUnitErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "junit.xml")
	if _, err := OpenJUnit(path, "", JUnitOptions{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("OpenJUnit says %v", err)
	}
	j, err := OpenJUnit("/dev/full", "", JUnitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(&Summary{}); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/dev/full") {
		t.Errorf("Close says %v", err)
	}
}

// A file that lacks cases must not look as if it had all.
func TestJUnitSpillFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "junit.xml")
	j, err := OpenJUnit(path, filepath.Join(t.TempDir(), "none"), JUnitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	res := ended(1, task.Failed, 1, "", strings.Repeat("x", bufferSize))
	for range 2 {
		if err := j.Record(&res); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Record says %v", err)
		}
	}
	if err := j.Close(&Summary{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Close says %v", err)
	}
	wantFile(t, "", path)
}
