package report

import (
	"encoding/xml"
	"strings"
	"testing"
)

// readable is s as an XML reader gets it back.
func readable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || c == '\n' || c == '\r' || c >= ' ' && c != '\uFFFE' && c != '\uFFFF' {
			return c
		}
		return '\uFFFD'
	}, s)
}

func FuzzXMLText(f *testing.F) {
	for _, s := range []string{"", "]]>", "a\x00\x1b\x7f\u0085", "\xed\xa0\x80\xff", "\uFFFE\uFFFF\uFFFD\U0010FFFF", "&amp;&#0;<!--", "\r\n\r\t\n \"'"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		doc := append(appendXML([]byte(`<x a="`), p, true), `">`...)
		doc = append(appendXML(doc, p, false), `</x>`...)
		var x struct {
			Attr string `xml:"a,attr"`
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal(doc, &x); err != nil {
			t.Fatalf("%v in %q", err, doc)
		}
		if want := readable(string(p)); x.Attr != want || x.Text != want {
			t.Errorf("%q becomes attribute %q and text %q, want %q", p, x.Attr, x.Text, want)
		}
	})
}

func TestStripANSI(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain \xff", "plain \xff"},
		{"\x1b[1;31mred\x1b[m.\x1b[2K\x1b[?25l", "red."},
		{"\x1b]0;title\aa\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"},
		{"\x1bPdcs\x1b\\x\x1b_apc\x1b\\y", "xy"},
		{"\x1b(Ba\x1bcb\x1b7c\x1b=d", "abcd"},
		{"a\x1b", "a"},
		{"a\x1b[", "a"},
		{"a\x1b[1;é", "aé"},
		{"a\x1b\nb\x1b]never\nc", "a\nb\nc"},
		{"\x1b]0;a\x1b[1mb", "b"},
		{"\x1b\x1b[1mb", "b"},
		{"\x1b]", ""},
	} {
		if got := string(stripANSI([]byte(c.in))); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}
