package task

import (
	"io"
	"math"
)

// A held is a source of which all values are kept in memory: any but the
// first.
type held struct {
	feed   feed
	linked bool
	loaded bool
	name   string // by the header
	values [][]byte
}

func (h *held) load() error {
	for !h.loaded {
		for r, ok := h.feed.next(); ok; r, ok = h.feed.next() {
			h.values = append(h.values, r.text())
		}
		switch err := h.feed.fill(); {
		case err == io.EOF:
			h.loaded = true
		case err != nil:
			return err
		}
	}
	if head, ok := h.feed.title(); ok {
		h.name = string(head.text())
	}
	return nil
}

// A wheel is a source and those linked to it: they turn together, to the end
// of the shortest (GNU parallel's :::+ does the same, its --link wraps).
type wheel struct {
	rings []*held
	size  int // values of the shortest ring; no ring: no end
	at    int
}

// product makes a task of each combination of the sources' values, the last
// source turning fastest. The first source is read as the others come round.
type product struct {
	picker
	packer
	rest   []*held
	wheels []wheel // from the second call of next on; the first holds what is linked to feed
	value  []byte  // of the first source
	have   bool    // value is set and has combinations left
}

func (c *product) next(t *Task, _ bool) (bool, error) {
	if c.wheels == nil {
		c.build()
	}
	for {
		if !c.have {
			if c.spent() {
				return false, io.EOF
			}
			r, ok := c.feed.next()
			if !ok {
				return false, nil
			}
			c.value, c.have = r.text(), true
		}
		skip := c.combine()
		v, err := c.values()
		if err != nil {
			return false, err
		}
		c.turn()
		if !skip {
			t.Values = v
			return true, nil
		}
	}
}

// build sorts the sources onto wheels, once they are loaded.
func (c *product) build() {
	c.wheels = []wheel{{size: math.MaxInt}}
	for _, h := range c.rest {
		if !h.linked {
			c.wheels = append(c.wheels, wheel{size: math.MaxInt})
		}
		last := &c.wheels[len(c.wheels)-1]
		last.rings = append(last.rings, h)
		last.size = min(last.size, len(h.values))
	}
}

// spent tells that no combination is left, whatever feed still holds.
func (c *product) spent() bool {
	for i := range c.wheels {
		if c.wheels[i].at >= c.wheels[i].size {
			return true
		}
	}
	return false
}

// combine packs the present values and tells whether they are to be skipped.
func (c *product) combine() (skip bool) {
	c.add(c.value)
	skip = c.skips(c.value)
	for i := range c.wheels {
		w := &c.wheels[i]
		for _, r := range w.rings {
			c.add(r.values[w.at])
			skip = skip || c.skips(r.values[w.at])
		}
	}
	return skip
}

// turn goes on to the next combination. Past the last one, the wheel of feed
// has moved on and feed's next value is due.
func (c *product) turn() {
	for i := len(c.wheels) - 1; i > 0; i-- {
		w := &c.wheels[i]
		if w.at++; w.at < w.size {
			return
		}
		w.at = 0
	}
	c.wheels[0].at++
	c.have = false
}
