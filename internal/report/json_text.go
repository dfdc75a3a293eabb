package report

import (
	"errors"
	"io"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendEscaped appends the UTF-8 text s as it stands between the quotes of a
// JSON string. Nothing is escaped that JSON does not ask for: < > & stay what
// they are. It works byte by byte, so that text may be cut anywhere.
func appendEscaped[T ~string | ~[]byte](b []byte, s T) []byte {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, s[from:]...)
}

// An escaper writes UTF-8 text as it stands in a JSON string.
type escaper struct {
	w   io.Writer
	buf []byte
}

func (e *escaper) Write(p []byte) (int, error) {
	e.buf = appendEscaped(e.buf[:0], p)
	if _, err := e.w.Write(e.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

var errNotText = errors.New("not UTF-8")

// A utf8Checker finds out whether what is written to it is UTF-8, however it
// is cut. It refuses more once it is not.
type utf8Checker struct {
	cut [utf8.UTFMax]byte // the beginning of a character that is not whole
	n   int               // bytes in cut
	bad bool
}

func (c *utf8Checker) Write(p []byte) (int, error) {
	rest := p
	for c.n > 0 && len(rest) > 0 {
		c.cut[c.n] = rest[0]
		c.n++
		rest = rest[1:]
		if utf8.FullRune(c.cut[:c.n]) {
			c.bad = c.bad || !utf8.Valid(c.cut[:c.n])
			c.n = 0
		}
	}
	end := len(rest) - cutRune(rest)
	if end < len(rest) {
		c.n = copy(c.cut[:], rest[end:])
	}
	if c.bad = c.bad || !utf8.Valid(rest[:end]); c.bad {
		return 0, errNotText
	}
	return len(p), nil
}

// cutRune returns how many bytes at the end of p are the beginning of a
// character whose end is missing.
func cutRune(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// valid says whether all of it was UTF-8.
func (c *utf8Checker) valid() bool { return !c.bad && c.n == 0 }
