package task

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSplitArgs(t *testing.T) {
	file := func(name string, linked bool) Group { return Group{File: name, IsFile: true, Linked: linked} }
	for _, tt := range []struct {
		words, sep, command string
		groups              []Group
	}{
		{"", "", "", nil},
		{"a b", "", "a b", nil},
		{"::: a", "", "", []Group{values("a")}},
		{"c -x ::: a b ::: d", "", "c -x", []Group{values("a", "b"), values("d")}},
		{"c ::: a :::+ b", "", "c", []Group{values("a"), linked("b")}},
		{"c :::", "", "c", []Group{values()}},
		{"c ::: ::: a", "", "c", []Group{values(), values("a")}},
		{"c :::: f - ::::+ g h", "", "c", []Group{file("f", false), file("-", false), file("g", true), file("h", true)}},
		{"c ::::", "", "c", []Group{values()}},
		{"c ::::: :::++", "", "c ::::: :::++", nil},
		{"c ::: a ,, b ,,+ d :::: f", ",,", "c ::: a", []Group{values("b"), linked("d"), file("f", false)}},
	} {
		command, groups := SplitArgs(strings.Fields(tt.words), tt.sep)
		if got := strings.Join(command, " "); got != tt.command {
			t.Errorf("%q: command %q, want %q", tt.words, got, tt.command)
		}
		if diff := cmp.Diff(tt.groups, groups, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: groups (-want +got):\n%s", tt.words, diff)
		}
	}
}

func TestParseDelim(t *testing.T) {
	for s, want := range map[string]string{
		",": ",", "::": "::", `\n`: "\n", `\t`: "\t", `\r\n`: "\r\n", `\0`: "\x00", `\\`: `\`,
		`\x1f`: "\x1f", `\xFFz`: "\xffz", `a\0b`: "a\x00b", `\08`: "\x008", "é": "é", `\\n`: `\n`,
	} {
		if got, err := ParseDelim(s); err != nil || string(got) != want {
			t.Errorf("ParseDelim(%q) = %q, %v; want %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", `\`, `a\`, `\q`, `\x`, `\x1`, `\xgg`, `\x-1`, `\x+1`, `\012`} {
		got, err := ParseDelim(s)
		if _, ok := err.(*UsageError); !ok {
			t.Errorf("ParseDelim(%q) = %q, %v; want a UsageError", s, got, err)
		}
	}
}
