package report

import "bytes"

const esc = 0x1b

// stripANSI returns p without escape sequences (ECMA-48): colours, cursor
// movements, titles, links. What is left of p keeps its bytes. Sequences that
// carry text end at a newline too, so that none swallows the rest.
func stripANSI(p []byte) []byte {
	i := bytes.IndexByte(p, esc)
	if i < 0 {
		return p
	}
	var b []byte
	for ; i >= 0; i = bytes.IndexByte(p, esc) {
		b = append(b, p[:i]...)
		p = p[i+sequence(p[i:]):]
	}
	return append(b, p...)
}

// sequence returns the length of the escape sequence that p begins with.
func sequence(p []byte) int {
	if len(p) == 1 {
		return 1
	}
	switch p[1] {
	case '[':
		return params(p, 2)
	case ']', 'P', 'X', '^', '_':
		return textSequence(p)
	}
	return params(p, 1)
}

// params returns where a sequence ends whose parameters begin at from. One
// that is broken off ends before what does not belong to it.
func params(p []byte, from int) int {
	for i, c := range p[from:] {
		switch {
		case c >= '@' && c <= '~', from == 1 && c >= '0' && c <= '~':
			return from + i + 1
		case c < ' ' || c > '~':
			return from + i
		}
	}
	return len(p)
}

func textSequence(p []byte) int {
	for i, c := range p[2:] {
		switch c {
		case '\a':
			return i + 3
		case '\n':
			return i + 2
		case esc:
			if bytes.HasPrefix(p[i+2:], []byte("\x1b\\")) {
				return i + 4
			}
			return i + 2
		}
	}
	return len(p)
}
