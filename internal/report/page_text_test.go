package report

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPlainText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain\ttext\n", "plain\ttext\n"},
		{"\x1b[1;31mred\x1b[m \x1b[?25lx", "red x"},
		{"\x1b]0;title\aa\x1b]8;;http://x\x1b\\link", "alink"},
		{"\x1b(Bx\x1b7y\x1bcz", "xyz"},
		{"cut \x1b[31", "cut "},
		{"cut \x1b]0;tit", "cut "},
		{"end \x1b", "end "},
		{"10 %\r20 %\r\nnext", "10 %\\r20 %\nnext"},
		{"\x00\xff\u202e\u00e9", `\x00\xff\u202e` + "é"},
	} {
		if got := plainText([]byte(c.in)); got != c.want {
			t.Errorf("plainText(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestWholeLines(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"e\nsecond\nthird\n", "second\nthird\n"},
		{"a long line that is cut\nx", "a long line that is cut\nx"},
		{"\xa9é is a character\n", "é is a character\n"},
		{"\xa9\xa9\xa9\xa9\xa9", "\xa9\xa9\xa9\xa9\xa9"},
		{"", ""},
	} {
		if got := string(wholeLines([]byte(c.in))); got != c.want {
			t.Errorf("wholeLines(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSpanText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "0 µs",
		1500 * time.Nanosecond:     "1.50 µs",
		999999 * time.Nanosecond:   "1,000 µs",
		12345 * time.Microsecond:   "12.3 ms",
		999 * time.Millisecond:     "999 ms",
		time.Second:                "1.00 s",
		99960 * time.Millisecond:   "100 s",
		2 * time.Minute:            "2 min 0 s",
		59*time.Minute + 59e9:      "59 min 59 s",
		time.Hour:                  "1 h 0 min",
		99*time.Hour + time.Minute: "99 h 1 min",
		5000*time.Hour - 1:         "5,000 h",
	} {
		if got := spanText(d); got != want {
			t.Errorf("spanText(%d) = %q, want %q", d, got, want)
		}
	}
	for s, want := range map[float64]string{.002: "2 ms", 1.5: "1.5 s", 60: "60 s", 120: "2 min", 7200: "2 h", 100: "100 s"} {
		if got := markText(s); got != want {
			t.Errorf("markText(%v) = %q, want %q", s, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "0.977 KiB", 3 << 30: "3.00 GiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		span, s    float64
		unit, want string
	}{
		{.0005, .0002, "µs", "200"},
		{.5, .05, "ms", "50"},
		{100, 12.5, "seconds", "12.5"},
		{100, .1 + .2, "seconds", "0.3"},
		{200, 90, "minutes:seconds", "1:30"},
		{9000, 5400, "hours:minutes", "1:30"},
		{1e7, 7.2e6, "hours:minutes", "2,000:00"},
	} {
		if got := clock(c.span).label(c.s); got != c.want || clock(c.span).unit() != c.unit {
			t.Errorf("clock(%v): %q in %s, want %q in %s", c.span, got, clock(c.span).unit(), c.want, c.unit)
		}
	}
}

// An axis of any length has some marks, and not too many.
func TestAxisProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := math.Exp2(rapid.Float64Range(-20, 25).Draw(t, "span"))
		if n := span / timeStep(span, 10); n > 10.001 || n < 3.3 {
			t.Errorf("%v s have %v steps", span, n)
		}
		lo := math.Exp2(rapid.Float64Range(-20, 20).Draw(t, "lo"))
		hi := lo * math.Exp2(rapid.Float64Range(.7, 20).Draw(t, "ratio"))
		marks := logMarks(lo, hi, 15)
		if len(marks) < 2 || len(marks) > 15 || marks[0] < lo || marks[len(marks)-1] > hi {
			t.Errorf("from %v to %v: marks %v", lo, hi, marks)
		}
	})
}
