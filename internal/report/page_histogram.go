package report

import (
	"math"

	"mpx/internal/stats"
)

// Measures of the histogram.
const (
	histTop    = 36
	histHeight = 180
	histBottom = histTop + histHeight
	mostBars   = 48
	leastBars  = 12
)

// histogram draws how many attempts took how long.
type histogram struct {
	m      *markup
	lo, hi float64 // ends of the axis, in seconds
	most   float64 // the upper end of the other axis
}

func (p *Page) histogram(m *markup) {
	bars := p.times.Bars(leastBars, mostBars)
	h := histogram{m: m, lo: bars[0].From, hi: bars[len(bars)-1].To}
	for _, b := range bars {
		h.most = max(h.most, float64(b.N))
	}
	m.put(`<section id="times"><h2>Run times</h2><div class="scroll"><svg viewBox="0 0 %d %d" role="img" aria-label="Histogram of run times">`+"\n", picWidth, histBottom+axisRoom)
	h.counts()
	h.bars(bars)
	h.times()
	h.quantile("median", p.times.Quantile(.5), 12)
	h.quantile("p95", p.times.Quantile(.95), 26)
	m.put("</svg></div></section>\n")
}

// x returns where s seconds are; what is beyond the axis stands at its end.
func (h *histogram) x(s float64) float64 {
	s = min(max(s, h.lo), h.hi)
	return picLeft + math.Log(s/h.lo)/math.Log(h.hi/h.lo)*plotWidth
}

func (h *histogram) y(n float64) float64 { return histBottom - n/h.most*histHeight }

// counts draws the axis of attempts, and sets its end.
func (h *histogram) counts() {
	step := max(1, niceStep(h.most/4))
	h.most = math.Ceil(h.most/step) * step
	for n := 0.0; n <= h.most; n += step {
		y := h.y(n)
		h.m.put(`<path class="grid" d="M%d %vH%d"/><text x="%d" y="%v" class="end">%s</text>`+"\n", picLeft, px(y), picLeft+plotWidth, picLeft-8, px(y+4), commas(int(n)))
	}
}

func (h *histogram) bars(bars []stats.LogBar) {
	for _, b := range bars {
		if b.N == 0 {
			continue
		}
		height := max(histBottom-h.y(float64(b.N)), 1.5)
		attempts := "attempts"
		if b.N == 1 {
			attempts = "attempt"
		}
		h.m.put(`<rect class="bar" x="%v" y="%v" width="%v" height="%v"><title>%s to %s: %s %s</title></rect>`+"\n",
			px(h.x(b.From)+.5), px(histBottom-height), px(h.x(b.To)-h.x(b.From)-1), px(height),
			spanText(seconds(b.From)), spanText(seconds(b.To)), commas(b.N), attempts)
	}
}

// times draws the axis of run times.
func (h *histogram) times() {
	for _, s := range logMarks(h.lo, h.hi, plotWidth/60) {
		x := px(h.x(s))
		h.m.put(`<path class="axis" d="M%v %dv5"/><text x="%v" y="%d" class="mid">%s</text>`, x, histBottom, x, histBottom+18, markText(s))
	}
	h.m.put(`<text x="%v" y="%d" class="mid">run time of an attempt (each step the same ratio)</text>`+"\n", px(picLeft+plotWidth/2), histBottom+34)
}

// quantile draws a line at s seconds. Each has its own height for its label, so
// that labels never meet.
func (h *histogram) quantile(name string, s float64, y int) {
	x := h.x(s)
	class, at := "start", x+5
	if x > picWidth-140 {
		class, at = "end", x-5
	}
	h.m.put(`<path class="mark" d="M%v %dV%d"/><text x="%v" y="%d" class="%s">%s %s</text>`+"\n", px(x), y-9, histBottom, px(at), y, class, name, spanText(seconds(s)))
}
