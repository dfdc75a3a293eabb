package task

import (
	"errors"
	"math"
)

// packChunk is how many bytes of values, and how many ends of values, a packer
// allocates together. A held task keeps its chunk alive, so it is small.
const packChunk = 8 << 10

// A packer makes lists of values. Many lists share an allocation.
type packer struct {
	data  []byte
	ends  []uint32
	start int // where in data the list being made begins
	first int // where in ends
}

// write adds b, which it copies, to the value being made.
func (p *packer) write(b []byte) {
	if len(b) > cap(p.data)-len(p.data) {
		list := p.data[p.start:]
		p.data = append(make([]byte, 0, max(packChunk, 2*(len(list)+len(b)))), list...)
		p.start = 0
	}
	p.data = append(p.data, b...)
}

// end ends a value.
func (p *packer) end() {
	if len(p.ends) == cap(p.ends) {
		list := p.ends[p.first:]
		p.ends = append(make([]uint32, 0, max(packChunk/4, 2*len(list))), list...)
		p.first = 0
	}
	p.ends = append(p.ends, uint32(len(p.data)-p.start))
}

// add adds b as a value.
func (p *packer) add(b []byte) {
	p.write(b)
	p.end()
}

// len returns how many values were ended.
func (p *packer) len() int { return len(p.ends) - p.first }

// values returns the list made and begins the next one.
func (p *packer) values() (Values, error) {
	data, ends := p.data[p.start:len(p.data):len(p.data)], p.ends[p.first:len(p.ends):len(p.ends)]
	p.begin()
	switch {
	case len(data) > math.MaxUint32:
		return Values{}, errors.New("the values of one task are longer than 4 GiB")
	case len(ends) == 0:
		return Values{}, nil
	case len(ends) == 1:
		ends = nil
	}
	return Values{data: data, ends: ends, some: true}, nil
}

// begin begins a list. Memory that grew for a long one is left to that alone.
func (p *packer) begin() {
	p.start, p.first = len(p.data), len(p.ends)
	if cap(p.data) > packChunk {
		p.data, p.start = nil, 0
	}
	if cap(p.ends) > packChunk/4 {
		p.ends, p.first = nil, 0
	}
}
