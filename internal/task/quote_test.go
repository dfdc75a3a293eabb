package task

import (
	"bytes"
	"math/rand"
	"os/exec"
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	for _, tt := range [][2]string{
		{"", "''"},
		{"a-b_c./:,@%+=", "a-b_c./:,@%+="},
		{"-n", "-n"},
		{"=ls", "'=ls'"},
		{"a b", "'a b'"},
		{"it's", `'it'\''s'`},
		{"~", "'~'"},
		{"#", "'#'"},
		{"é", "'é'"},
	} {
		if got := Quote(tt[0]); got != tt[1] {
			t.Errorf("Quote(%q) = %s, want %s", tt[0], got, tt[1])
		}
	}
}

// Each kind of quotes brings all bytes through all shells.
func TestQuoteRoundTrip(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	var list []string
	for c := 1; c < 256; c++ {
		list = append(list, string([]byte{byte(c)}), string([]byte{'a', byte(c), '\'', byte(c)}))
	}
	for range 500 {
		b := make([]byte, r.Intn(10))
		for i := range b {
			b[i] = byte(1 + r.Intn(255))
			if r.Intn(2) == 0 {
				b[i] = "'\"\\$`!\n {}*~#="[r.Intn(14)]
			}
		}
		list = append(list, string(b))
	}
	var script, want bytes.Buffer
	for i := 0; i < len(list); i += 10 {
		script.WriteString("printf '%s\\000'")
		for _, s := range list[i : i+10] {
			script.WriteString(" " + Quote(s) + " " + quoteAlways(s) + ` "` + quoteDouble(s) + `"`)
			want.WriteString(strings.Repeat(s+"\x00", 3))
		}
		script.WriteString("\n")
	}
	for _, sh := range shells(t) {
		c := exec.Command(sh[0], sh[1:]...)
		c.Stdin = bytes.NewReader(script.Bytes())
		if out, err := c.Output(); err != nil || !bytes.Equal(out, want.Bytes()) {
			t.Errorf("%v: differs, %v", sh, err)
		}
	}
}
