package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func wellFormed(t interface{ Errorf(string, ...any) }, b []byte) {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Errorf("%v in:\n%s", err, b)
			return
		}
	}
}

func TestSpeedupPlot(t *testing.T) {
	p := SpeedupPlot{Title: "a <b> & \"c\"\x01\n", About: "3 < 4", Lines: []SpeedupLine{
		{"exec", []SpeedupPoint{{1, .9, .8, 1}, {2, 1.9, 1.8, 2}, {8, 5, 4, 6}}},
		{"shell", []SpeedupPoint{{4, 3, 0, 0}}},
	}}
	got := p.SVG()
	wellFormed(t, got)
	for _, want := range []string{
		`<title>Speed-up: a &lt;b&gt; &amp; &#34;c&#34;`, ">3 &lt; 4<", ">8</text>", ">4</text>",
		"<title>exec, -j 8: 5.00 (4.00–6.00)</title>", "<title>shell, -j 4: 3.00</title>", ">ideal<", "prefers-color-scheme: dark",
	} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("no %s in:\n%s", want, got)
		}
	}
	if n := bytes.Count(got, []byte(`class="bar `)); n != 3 {
		t.Errorf("%d intervals, want 3", n)
	}
}

// Whatever the numbers, a plot is well-formed, and nothing of it is outside.
func TestSpeedupPlotProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := SpeedupPlot{Title: rapid.String().Draw(t, "title")}
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			l := SpeedupLine{Name: rapid.String().Draw(t, "name")}
			for n := range rapid.IntRange(1, 5).Draw(t, "points") {
				v := rapid.Float64Range(.0001, 1e6).Draw(t, "speedup")
				l.Points = append(l.Points, SpeedupPoint{Workers: 1 + n*n, Speedup: v, Low: v / 2, High: v * 2})
			}
			p.Lines = append(p.Lines, l)
		}
		wellFormed(t, p.SVG())
		p.Title = ""
		for i := range p.Lines {
			p.Lines[i].Name = ""
		}
		got := string(p.SVG())
		for _, bad := range []string{"NaN", "Inf", `"-`, "L-", "V-"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s in:\n%s", bad, got)
			}
		}
	})
}
