package report

// width returns how wide iv is drawn: attempts that meet are kept apart, those
// that are short can be seen.
func (l *lanes) width(iv *interval) float64 {
	w := l.x(iv.to) - l.x(iv.from)
	if w > 2 && iv.total() == 1 {
		w -= .5
	}
	return max(w, .6)
}

// rects draws each attempt as an element that explains itself.
func (l *lanes) rects() {
	for i, s := range l.t.slots {
		for k := range s {
			iv := &s[k]
			l.m.put(`<rect class="%s" x="%v" y="%v" width="%v" height="%v"><title>`,
				outcomeClass[iv.worst()], px(l.x(iv.from)), px(l.top(i)), px(l.width(iv)), px(l.height))
			l.m.text(iv.tip)
			l.m.put("</title></rect>\n")
		}
	}
}

// worst returns an outcome that iv has, only then ranOK if it has no other.
func (iv *interval) worst() outcome {
	for o := ranFailed; o < outcomes; o++ {
		if iv.count[o] > 0 {
			return o
		}
	}
	return ranOK
}

// paths draws all bars of an outcome as one element. The outcomes that one bar
// has stand one above the other.
func (l *lanes) paths() {
	for o := range outcomes {
		var d markup
		for i, s := range l.t.slots {
			for k := range s {
				if iv := &s[k]; iv.count[o] > 0 {
					top, height := iv.share(o, l.height)
					w := l.width(iv)
					if o != ranOK {
						w = max(w, 2)
					}
					d.put("M%v %vh%vv%vh-%vz", px(l.x(iv.from)), px(l.top(i)+top), px(w), px(height), px(w))
				}
			}
		}
		if len(d.b) > 0 {
			l.m.put(`<path class="%s" d="%s"/>`+"\n", outcomeClass[o], d.b)
		}
	}
}

// share returns the part of a bar of the given height that outcome o has: by
// its number, but so much at least that a single failure shows.
func (iv *interval) share(o outcome, height float64) (top, h float64) {
	all, sum := float64(iv.total()), 0.0
	var weight [outcomes]float64
	for i, n := range iv.count {
		if n > 0 {
			weight[i] = max(float64(n)/all, .4)
			sum += weight[i]
		}
	}
	for _, w := range weight[:o] {
		top += w
	}
	return top / sum * height, weight[o] / sum * height
}

// total returns how many attempts iv stands for.
func (iv *interval) total() (n int) {
	for _, c := range iv.count {
		n += c
	}
	return n
}

// changes draws where a slot went on with another worker, unless that is so
// often that nothing else could be seen.
func (l *lanes) changes() {
	if n := l.t.workerChanges(); n == 0 || n > maxChanges(l.t.used()) {
		return
	}
	l.m.put(`<path class="change" d="`)
	for i, s := range l.t.slots {
		for k := range s {
			if s[k].changes > 0 || k > 0 && s[k].first != s[k-1].last {
				l.m.put("M%v %vv%v", px(l.x(s[k].from)-.3), px(lanesTop+float64(i)*l.pitch), px(l.pitch))
			}
		}
	}
	l.m.put(`"/>` + "\n")
}

// maxChanges is how many changes of workers are drawn on so many lanes.
func maxChanges(lanes int) int { return 60 * lanes }

// workerChanges returns how often a slot went on with another worker: exactly
// of intervals that are sorted and were never merged, about so otherwise.
func (t *timeline) workerChanges() (n int) {
	for _, s := range t.slots {
		for k := range s {
			n += s[k].changes
			if k > 0 && s[k].first != s[k-1].last {
				n++
			}
		}
	}
	return n
}
