package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"mpx/internal/report"
)

// A channelTable is written as its parts come.
type channelTable struct {
	f     *os.File
	style tableStyle
	begun bool
}

const channelLine = "%-14s %10s %7s %12s %10s %10s\n"

// write writes the lines of messages of size bytes. results begin with memcpy's;
// Python's, if there is one, is the last.
func (t *channelTable) write(size int, results []channelResult) error {
	var b strings.Builder
	if !t.begun {
		fmt.Fprintf(&b, channelLine, "", "a message", "", "", "of memcpy", "x Python")
		t.begun = true
	}
	fmt.Fprintf(&b, "\n%s\n", channelTitle(size))
	limit, python := results[0].time.Median, 0.0
	if last := results[len(results)-1]; last.way == wayPython {
		python = last.time.Median
	}
	for _, r := range results {
		m, gain, spread := r.time.Median, "", ""
		if python > 0 {
			gain = figure2(python / m)
		}
		if r.time.N > 1 {
			spread = fmt.Sprintf("±%.0f %%", 100*r.time.Spread/m)
		}
		fmt.Fprintf(&b, channelLine, "  "+r.way, messageTime(m), spread, speedText(float64(size)/m), figure2(limit/m), gain)
	}
	_, err := t.f.WriteString(t.style.spell(b.String()))
	return err
}

// messageTime returns seconds for people, also a few nanoseconds.
func messageTime(seconds float64) string {
	if seconds < 1e-6 {
		return fmt.Sprintf("%.3g ns", 1e9*seconds)
	}
	return report.Span(duration(seconds))
}

func channelTitle(size int) string {
	if size == 8 {
		return "1 double (8 B)"
	}
	return fmt.Sprintf("%s doubles (%s)", thousands(size/8), bytesText(size))
}

// thousands returns n with commas between groups of three digits.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText returns n bytes in the largest unit that is exact: KB is 1000 of them,
// and KiB 1024.
func bytesText(n int) string {
	for _, u := range []struct {
		size int
		name string
	}{{1 << 30, "GiB"}, {1e9, "GB"}, {1 << 20, "MiB"}, {1e6, "MB"}, {1 << 10, "KiB"}, {1e3, "KB"}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d %s", n/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// speedText returns bytes a second, with three digits.
func speedText(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.2f GB/s", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.3g MB/s", v/1e6)
	}
	return fmt.Sprintf("%.3g KB/s", v/1e3)
}

// figure2 returns v with at least two digits that mean something.
func figure2(v float64) string {
	switch {
	case v >= 10:
		return fmt.Sprintf("%.0f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// channelJSON is a result in the file of --json. Times are of one message, in
// seconds.
type channelJSON struct {
	Way            string    `json:"way"`
	Size           int       `json:"size"` // bytes
	Median         float64   `json:"median"`
	Min            float64   `json:"min"`
	Max            float64   `json:"max"`
	Times          []float64 `json:"times"`
	BytesPerSecond float64   `json:"bytes_per_second"`
}

func writeChannelJSON(f *os.File, results []channelResult) error {
	var list []channelJSON
	for _, r := range results {
		list = append(list, channelJSON{r.way, r.size, r.time.Median, r.time.Min, r.time.Max, r.runs, float64(r.size) / r.time.Median})
	}
	e := json.NewEncoder(f)
	e.SetIndent("", " ")
	return e.Encode(map[string]any{"results": list, "processors": cpuCount()})
}
