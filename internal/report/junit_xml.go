package report

import "unicode/utf8"

// appendXML appends s as it stands in a text or, with attr, between the double
// quotes of an attribute of an XML 1.0 document. What XML has no way to write,
// most control characters and what is not UTF-8, becomes U+FFFD. (encoding/xml
// would do the same, and is 100 KB of the binary.)
func appendXML[T ~string | ~[]byte](b []byte, s T, attr bool) []byte {
	for p := []byte(s); len(p) > 0; {
		c, n := utf8.DecodeRune(p)
		switch {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>': // of ]]>, which no text may hold
			b = append(b, "&gt;"...)
		case c == '"':
			b = append(b, "&#34;"...)
		case c == '\r': // as it is, a reader makes a newline of it
			b = append(b, "&#13;"...)
		case c == '\n' && attr: // and of these blanks
			b = append(b, "&#10;"...)
		case c == '\t' && attr:
			b = append(b, "&#9;"...)
		case !isXML(c):
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, c)
		}
		p = p[n:]
	}
	return b
}

// isXML says whether c is a Char of https://www.w3.org/TR/xml/#charsets.
func isXML(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' ||
		c >= ' ' && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd || c >= 0x10000
}
