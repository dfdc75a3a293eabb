package task

import (
	"fmt"
	"strconv"
	"strings"
)

const delimHint = `a delimiter is text, with \n \t \r \0 \\ and \xHH (two hexadecimal digits) for what is hard to type`

// ParseDelim returns the bytes that the argument of --delimiter or --colsep
// means: text of any length, with the escapes \n \t \r \0 \\ \xHH. Anything
// else after a backslash and the empty string are a UsageError.
func ParseDelim(s string) ([]byte, error) {
	if s == "" {
		return nil, usage("the delimiter is empty", delimHint+"; for NUL: -0")
	}
	var out []byte
	for s != "" {
		before, after, escaped := strings.Cut(s, `\`)
		out = append(out, before...)
		if !escaped {
			break
		}
		c, n, ok := unescape(after)
		if !ok {
			return nil, usage(fmt.Sprintf("unknown escape in delimiter: \\%s", after), delimHint)
		}
		out = append(out, c)
		s = after[n:]
	}
	return out, nil
}

// unescape returns the byte that s, the text after a backslash, begins with
// and how much of s says so.
func unescape(s string) (c byte, n int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	switch s[0] {
	case 'n':
		return '\n', 1, true
	case 't':
		return '\t', 1, true
	case 'r':
		return '\r', 1, true
	case '\\':
		return '\\', 1, true
	case '0':
		// To xargs -d, \012 is one byte in octal. Taking it for a NUL and two
		// digits would silently split elsewhere.
		octal := len(s) > 1 && s[1] >= '0' && s[1] <= '7'
		return 0, 1, !octal
	case 'x':
		if len(s) < 3 {
			return 0, 0, false
		}
		v, err := strconv.ParseUint(s[1:3], 16, 8)
		return byte(v), 3, err == nil
	}
	return 0, 0, false
}
