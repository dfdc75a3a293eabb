package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"mpx/internal/task"
)

func echo(t *task.Task, _ int) []string {
	words := []string{"echo"}
	for i := range t.Values.Len() {
		words = append(words, string(t.Values.At(i)))
	}
	return words
}

func printJSON(t testing.TB, res task.Result) string {
	t.Helper()
	var s screen
	o := s.options()
	o.Mode, o.Command, o.Order = JSON, echo, Completion
	mustAdd(t, New(o), res)
	return s.out.String()
}

func TestJSON(t *testing.T) {
	full := result(1, "a\n", "")
	full.Values = task.One([]byte("a"))
	full.Start = time.Date(2026, 1, 2, 4, 4, 5, 678901234, time.FixedZone("", 3600))
	full.Elapsed = 2100400 * time.Nanosecond
	full.Usage = task.Usage{User: time.Millisecond, System: 999600, MaxRSS: 1466368, Known: true}

	two := result(2, "<&>", "\x01\"\\\t\u2028")
	two.Values = task.List([]byte("a b"), nil)
	two.Status, two.Signal, two.Note = task.Signalled, 9, "killed \xff"

	odd := result(3, "\xff", "\xfe")
	odd.Values = task.List([]byte("a"), []byte("\xff"))
	odd.Status, odd.Exit, odd.Attempt = task.Failed, 3, 2

	stdin := result(4, "", "")
	stdin.FromStdin, stdin.Stdin = true, []byte("x\ny\n")

	never := task.Result{Task: task.Task{Seq: 5}, Status: task.Skipped}

	const hidden = `"start":null,"seconds":0,"user":null,"system":null,"maxrss":null`
	for _, c := range []struct {
		res  task.Result
		want string
	}{
		{full, `{"seq":1,"record":"a","command":["echo","a"],"status":"ok","exit":0,"signal":0,"attempts":1,` +
			`"worker":"mpx-worker-1","slot":1,"start":"2026-01-02T03:04:05.678901Z","seconds":0.0021,` +
			`"user":0.001,"system":0.001,"maxrss":1466368,"stdout":"a\n","stderr":""}`},
		{two, `{"seq":2,"records":["a b",""],"command":["echo","a b",""],"status":"signalled","exit":0,"signal":9,"attempts":1,` +
			`"worker":"mpx-worker-1","slot":1,` + hidden + `,"stdout":"<&>","stderr":"\u0001\"\\\t` + "\u2028" + `","note":"killed ` + "\uFFFD" + `"}`},
		{odd, `{"seq":3,"records_base64":["YQ==","/w=="],"command_base64":["ZWNobw==","YQ==","/w=="],"status":"failed","exit":3,"signal":0,"attempts":2,` +
			`"worker":"mpx-worker-1","slot":1,` + hidden + `,"stdout_base64":"/w==","stderr_base64":"/g=="}`},
		{stdin, `{"seq":4,"record":"x\ny\n","command":["echo","4"],"status":"ok","exit":0,"signal":0,"attempts":1,` +
			`"worker":"mpx-worker-1","slot":1,` + hidden + `,"stdout":"","stderr":""}`},
		{never, `{"seq":5,"record":"","command":["echo"],"status":"skipped","exit":0,"signal":0,"attempts":0,` +
			`"worker":null,"slot":null,` + hidden + `,"stdout":"","stderr":""}`},
	} {
		if got := printJSON(t, c.res); got != c.want+"\n" {
			t.Errorf("got  %swant %s", got, c.want)
		}
	}
}

func TestJSONSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 400: "0", 500: "0.000001", time.Second: "1", 90*time.Hour + 1000: "324000.000001",
		100 * time.Millisecond: "0.1", 10 * time.Microsecond: "0.00001",
	} {
		if got := string(appendSeconds(nil, d)); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

// decodeField reads the member key as readers do: text, or base64.
func decodeField(t rapid.TB, line []byte, key string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(line, &object); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	text, isText := object[key].(string)
	coded, isCoded := object[key+"_base64"].(string)
	if isText == isCoded {
		t.Fatalf("%s is there %v as text, %v in base64", key, isText, isCoded)
	}
	if isText {
		return text
	}
	b, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		t.Fatal(err)
	}
	if utf8.Valid(b) {
		t.Fatalf("%s is in base64, but text", key)
	}
	return string(b)
}

func TestJSONSpilled(t *testing.T) {
	store := newStore(t)
	for name, end := range map[string]string{
		"text":      "é\"\n\x00<",
		"not text":  "\xff",
		"cut short": "\xe2\x82",
	} {
		t.Run(name, func(t *testing.T) {
			res := result(1, "", "")
			res.Stdout, res.Stderr = spilled(t, store, end), spilled(t, store, end)
			line := []byte(printJSON(t, res))
			for _, key := range []string{"stdout", "stderr"} {
				if got := decodeField(t, line, key); got != strings.Repeat("x", 64<<10)+end {
					t.Errorf("%s differs: it ends in %q", key, got[max(0, len(got)-20):])
				}
			}
		})
	}
}

func FuzzJSONText(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é€😀\u2028", "\xff", "a\xe2\x82", "\xed\xa0\x80"} {
		f.Add([]byte(s), uint(3))
	}
	f.Fuzz(func(t *testing.T, p []byte, cut uint) {
		line := append(appendBytes([]byte(`{"v`), p), '}')
		if got := decodeField(t, line, "v"); got != string(p) {
			t.Fatalf("%q came back as %q", p, got)
		}
		if bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' }) {
			t.Fatalf("control character in %q", line)
		}
		// Pieces of any size give the same.
		n := int(cut%7) + 1
		var whole bytes.Buffer
		esc, check := escaper{w: &whole}, utf8Checker{}
		for piece := range slices.Chunk(p, n) {
			esc.Write(piece)
			check.Write(piece)
		}
		if check.valid() != utf8.Valid(p) {
			t.Fatalf("in pieces of %d, %q is text: %v", n, p, check.valid())
		}
		if want := appendEscaped(nil, p); !bytes.Equal(whole.Bytes(), want) {
			t.Fatalf("in pieces of %d, %q is %q, want %q", n, p, &whole, want)
		}
	})
}

func TestJSONProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		res := task.Result{Task: task.Task{Seq: rapid.Uint64().Draw(t, "seq")}}
		out := rapid.SliceOf(rapid.Byte()).Draw(t, "out")
		text := rapid.String().Draw(t, "err")
		record := rapid.SliceOf(rapid.Byte()).Draw(t, "record")
		res.Stdout, res.Stderr, res.Values = task.Bytes(out), task.Bytes([]byte(text)), task.One(record)
		var s screen
		o := s.options()
		o.Mode, o.Order = JSON, Completion
		if _, err := New(o).Add([]task.Result{res}); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{"stdout": string(out), "stderr": text, "record": string(record)} {
			if got := decodeField(t, s.out.Bytes(), key); got != want {
				t.Fatalf("%s is %q, want %q", key, got, want)
			}
		}
	})
}
