package report

import (
	_ "embed"
	"fmt"
	"math"
)

// A SpeedupPlot shows what pools gain over one task after another: speed-ups
// over numbers of workers, and the ideal, which is as many.
type SpeedupPlot struct {
	Title string // of one line; what is too long is left out
	About string // below it
	Lines []SpeedupLine
}

// A SpeedupLine is pools that differ in nothing but their number of workers.
type SpeedupLine struct {
	Name   string
	Points []SpeedupPoint // at least one; by their workers
}

// A SpeedupPoint is one pool.
type SpeedupPoint struct {
	Workers   int
	Speedup   float64
	Low, High float64 // of its interval; both 0: it is not known
}

//go:embed speedup.css
var speedupStyle string

// Measures of the plot.
const (
	plotPicWidth  = 760
	plotPicHeight = 440
	plotLeft      = 62
	plotRight     = 560 // the legend is beside it
	plotTop       = 64
	plotBottom    = plotPicHeight - 56
	lineColours   = 6  // in the style
	maxDodge      = 5  // between the error bars of two lines
	dodgeRoom     = 24 // for those of all lines
	maxName       = 26 // bytes of a line's name
)

// A speedupPic is a plot that is being drawn.
type speedupPic struct {
	markup
	p     *SpeedupPlot
	most  float64 // workers at the right end
	upper float64 // speed-up at the upper end
	step  float64 // between two marks of that axis
}

// SVG returns p as a picture that needs no other file, legible on light and on
// dark ground.
func (p *SpeedupPlot) SVG() []byte {
	s := &speedupPic{p: p, most: 1, upper: 1}
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			s.most = max(s.most, float64(pt.Workers))
			s.upper = max(s.upper, pt.Speedup, pt.High)
		}
	}
	s.step = niceStep(s.upper * 1.02 / 5)
	s.upper = math.Ceil(s.upper*1.02/s.step) * s.step
	s.most *= 1.06
	s.frame()
	s.axes()
	s.ideal()
	for i := range p.Lines {
		s.line(i)
	}
	s.put("</svg>\n")
	return s.b
}

func (s *speedupPic) x(workers float64) px {
	return px(plotLeft + workers/s.most*(plotRight-plotLeft))
}

func (s *speedupPic) y(speedup float64) px {
	return px(plotBottom - speedup/s.upper*(plotBottom-plotTop))
}

// frame appends the head, the ground and the titles.
func (s *speedupPic) frame() {
	const maxTitle = 90
	s.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" role="img">`+"\n<title>Speed-up: ", plotPicWidth, plotPicHeight)
	s.text(OneLine(s.p.Title, maxDisplay))
	s.put("</title>\n<style>\n%s</style>\n"+`<rect class="ground" width="%d" height="%d"/>`+"\n", speedupStyle, plotPicWidth, plotPicHeight)
	s.put(`<text class="title" x="%d" y="26">`, 20)
	s.text(OneLine(s.p.Title, maxTitle))
	s.put(`</text><text x="%d" y="46">`, 20)
	s.text(OneLine(s.p.About, 2*maxTitle))
	s.put("</text>\n")
}

// axes appends both axes with their marks: a line for each speed-up, and a
// number for each number of workers that was timed, where there is room.
func (s *speedupPic) axes() {
	for i := 0.0; i*s.step <= s.upper*(1+1e-9); i++ {
		y := s.y(i * s.step)
		s.put(`<path class="grid" d="M%d %vH%d"/><text class="end" x="%d" y="%v">%s</text>`+"\n", plotLeft, y, plotRight, plotLeft-8, y+4, short(i*s.step))
	}
	s.put(`<path class="axis" d="M%d %dV%dH%d"/>`, plotLeft, plotTop, plotBottom, plotRight)
	last := px(math.Inf(1))
	for n := int(s.most); n > 0; n-- { // the greatest ones stand apart
		x := s.x(float64(n))
		if s.timed(n) && last-x > 26 {
			s.put(`<path class="axis" d="M%v %dv5"/><text class="mid" x="%v" y="%d">%d</text>`, x, plotBottom, x, plotBottom+19, n)
			last = x
		}
	}
	s.put("\n"+`<text class="mid" x="%d" y="%d">workers</text>`, (plotLeft+plotRight)/2, plotBottom+42)
	s.put(`<text class="mid" transform="translate(20 %d) rotate(-90)">speed-up: times as quick as sequential</text>`+"\n", (plotTop+plotBottom)/2)
}

// timed reports whether a pool of n workers was timed.
func (s *speedupPic) timed(n int) bool {
	for _, l := range s.p.Lines {
		for _, pt := range l.Points {
			if pt.Workers == n {
				return true
			}
		}
	}
	return false
}

// ideal appends the line of one more for each worker, as far as it is within,
// and that of one after another.
func (s *speedupPic) ideal() {
	end := min(s.most, s.upper)
	s.put(`<path class="ideal" d="M%v %vL%v %v"/>`, s.x(0), s.y(0), s.x(end), s.y(end))
	s.put(`<path class="one" d="M%d %vH%d"/>`+"\n", plotLeft, s.y(1), plotRight)
	s.key(0, "ideal", `class="ideal"`)
	s.key(1, "sequential", `class="one"`)
}

// line appends line i with its intervals and its entry in the legend.
func (s *speedupPic) line(i int) {
	l := &s.p.Lines[i]
	class := fmt.Sprint("c", i%lineColours)
	if i >= lineColours {
		class += " dash"
	}
	shift := px((float64(i) - float64(len(s.p.Lines)-1)/2) * min(maxDodge, dodgeRoom/float64(len(s.p.Lines))))
	s.put(`<path class="line %s" d="`, class)
	for k, pt := range l.Points {
		s.put("%c%v %v", "ML"[min(k, 1)], s.x(float64(pt.Workers))+shift, s.y(pt.Speedup))
	}
	s.put(`"/>` + "\n")
	for _, pt := range l.Points {
		s.point(pt, l.Name, shift, class)
	}
	s.key(i+2, l.Name, `class="line `+class+`"`)
}

// point appends a point, which explains itself.
func (s *speedupPic) point(pt SpeedupPoint, name string, shift px, class string) {
	x, y := s.x(float64(pt.Workers))+shift, s.y(pt.Speedup)
	about := fmt.Sprintf(", -j %d: %.2f", pt.Workers, pt.Speedup)
	if pt.High > 0 {
		about += fmt.Sprintf(" (%.2f–%.2f)", pt.Low, pt.High)
		low, high := s.y(pt.Low), s.y(pt.High)
		s.put(`<path class="bar %s" d="M%v %vh8m-4 0V%vm-4 0h8"/>`, class, x-4, low, high)
	}
	s.put(`<circle class="%s" cx="%v" cy="%v" r="3.5"><title>`, class, x, y)
	s.text(visible(name) + about)
	s.put("</title></circle>\n")
}

// key appends entry n of the legend, from 0.
func (s *speedupPic) key(n int, name, class string) {
	pitch := min(20, (plotBottom-plotTop)/float64(len(s.p.Lines)+2))
	y := px(plotTop + 8 + pitch*float64(n))
	s.put(`<path %s d="M%d %vh26"/><text x="%d" y="%v">`, class, plotRight+16, y, plotRight+50, y+4)
	s.text(OneLine(name, maxName))
	s.put("</text>\n")
}
