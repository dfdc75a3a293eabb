package report

import (
	"math"
	"time"
)

// Measures of the pictures, in units that are pixels on a wide screen.
const (
	picWidth  = 1000
	picLeft   = 48
	picRight  = 28  // half a label of an axis
	maxLanes  = 780 // the height of all lanes of a timeline
	maxLane   = 22
	minLabel  = 13 // between two labels, one above the other
	lanesTop  = 20
	axisRoom  = 40
	plotWidth = picWidth - picLeft - picRight
)

// lanes draws a timeline: a lane a slot, time to the right.
type lanes struct {
	m      *markup
	t      *timeline
	pitch  float64 // from lane to lane
	height float64 // of a bar
	bottom float64
}

func (t *timeline) draw(m *markup) {
	if t.noTips {
		// Two bars in one pixel cannot be told apart.
		t.merge(max(t.res, t.wall()/(2*plotWidth)))
	} else {
		t.merge(-1) // sorts
	}
	l := lanes{m: m, t: t, pitch: min(maxLane, maxLanes/float64(len(t.slots)))}
	l.height = l.pitch - min(4, l.pitch/5)
	l.bottom = lanesTop + l.pitch*float64(len(t.slots))
	m.put(`<div class="scroll"><svg viewBox="0 0 %d %v" role="img" aria-label="Timeline of the job slots">`+"\n", picWidth, px(l.bottom+axisRoom))
	l.axis()
	l.labels()
	if t.noTips {
		l.paths()
	} else {
		l.rects()
	}
	l.changes()
	m.put("</svg></div>\n")
}

// x returns where the time d is.
func (l *lanes) x(d time.Duration) float64 {
	if l.t.wall() == 0 {
		return picLeft
	}
	return picLeft + float64(d-l.t.from)/float64(l.t.wall())*plotWidth
}

// top returns the upper edge of slot i's bars, counted from 0.
func (l *lanes) top(i int) float64 { return lanesTop + float64(i)*l.pitch + (l.pitch-l.height)/2 }

// axis draws the time's axis with lines through all lanes.
func (l *lanes) axis() {
	span := l.t.wall().Seconds()
	c := clock(span)
	l.m.put(`<text x="%v" y="%v" class="mid">time from the first start (%s)</text>`+"\n", px(picLeft+plotWidth/2), px(l.bottom+34), c.unit())
	step := math.Inf(1)
	if span > 0 {
		step = timeStep(span, 10)
	}
	for i := 0; i == 0 || float64(i)*step <= span*(1+1e-9); i++ {
		v := 0.0
		if i > 0 {
			v = float64(i) * step
		}
		x := px(l.x(l.t.from + seconds(v)))
		l.m.put(`<path class="grid" d="M%v %vV%v"/><text x="%v" y="%v" class="mid">%s</text>`+"\n", x, lanesTop, px(l.bottom+4), x, px(l.bottom+18), c.label(v))
	}
}

// labels writes the slots' numbers, as many as there is room for.
func (l *lanes) labels() {
	l.m.put(`<text x="%d" y="12" class="end">slot</text>`, picLeft-8)
	step := 1
	if l.pitch < minLabel {
		step = int(niceStep(minLabel / l.pitch))
	}
	for n := range len(l.t.slots) {
		if (n+1)%step == 0 {
			l.m.put(`<text x="%d" y="%v" class="end">%d</text>`, picLeft-8, px(l.top(n)+l.height/2+4), n+1)
		}
	}
	l.m.put("\n")
}
