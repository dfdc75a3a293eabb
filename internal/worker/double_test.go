package worker

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestDouble(t *testing.T) {
	for _, c := range []struct{ n, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"00", "0"},
		{"-000", "0"},
		{"+7", "14"},
		{"5", "10"},
		{"-5", "-10"},
		{"0050", "100"},
		{"99", "198"},
		{"", ""},
		{"-", ""},
		{"+", ""},
		{"+-1", ""},
		{"-+1", ""},
		{"1x", ""},
		{"x1", ""},
		{" 1", ""},
		{"1_0", ""},
		{"0x1", ""},
	} {
		got, ok := double(c.n)
		if ok != (c.want != "") || string(got) != c.want {
			t.Errorf("double(%q) = %q, %v; want %q", c.n, got, ok, c.want)
		}
	}
}

// It is math/big's, for all that might be an integer.
func TestDoubleProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.StringMatching(`[-+]?0{0,3}[0-9]{0,40}[x_ ]?`).Draw(t, "n")
		var b big.Int
		_, want := b.SetString(n, 10)
		got, ok := double(n)
		if ok != want || ok && string(got) != b.Lsh(&b, 1).String() {
			t.Errorf("double(%q) = %q, %v; want %v, %v", n, got, ok, &b, want)
		}
	})
}
