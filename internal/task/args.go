package task

import "strings"

// A Group is one source of values on the command line: the words after a :::
// or one file of a ::::.
type Group struct {
	Values []string
	File   string // when IsFile; "-" is stdin
	IsFile bool   // the records of File are the values
	Linked bool   // :::+ or ::::+: paired with the group before, value by value
}

// SplitArgs parts the words that follow mpx's flags into the command and its
// groups, in the manner of GNU parallel: what stands before the first
// separator is the command. sep stands for ":::" and, with a "+" behind it,
// for ":::+" (""; the default); "::::" keeps its name, as in GNU parallel.
//
// Each file after a :::: is a group of its own. A separator that nothing
// follows makes a group without values, so that a glob which matched nothing
// runs nothing instead of reading stdin.
func SplitArgs(words []string, sep string) (command []string, groups []Group) {
	if sep == "" {
		sep = ":::"
	}
	n := len(words)
	for i := 0; i < len(words); {
		g, ok := opensGroup(words[i], sep)
		if !ok {
			i++
			continue
		}
		n = min(n, i)
		end := i + 1
		for end < len(words) {
			if _, ok := opensGroup(words[end], sep); ok {
				break
			}
			end++
		}
		groups = appendGroups(groups, g, words[i+1:end])
		i = end
	}
	return words[:n], groups
}

// opensGroup tells whether word is a separator, and what kind of group it
// begins.
func opensGroup(word, sep string) (Group, bool) {
	base, linked := strings.CutSuffix(word, "+")
	switch {
	case word == sep:
		return Group{}, true
	case base == sep && linked:
		return Group{Linked: true}, true
	case base == "::::":
		return Group{IsFile: true, Linked: linked}, true
	}
	return Group{}, false
}

// appendGroups adds what stands after a separator to groups; kind is what
// opensGroup said of it.
func appendGroups(groups []Group, kind Group, words []string) []Group {
	if !kind.IsFile || len(words) == 0 {
		return append(groups, Group{Values: words, Linked: kind.Linked})
	}
	for _, name := range words {
		groups = append(groups, Group{File: name, IsFile: true, Linked: kind.Linked})
	}
	return groups
}
