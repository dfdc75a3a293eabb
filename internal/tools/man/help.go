package main

import (
	"regexp"
	"strings"
)

// A help is what mpx prints for --help: text, then sections under headings.
type help struct {
	text     []string // lines
	sections []section
}

type section struct {
	title string
	lines []string
}

var heading = regexp.MustCompile(`^[A-Z][A-Z ]+$`)

// parse reads a help.
func parse(out string) help {
	var h help
	into := &h.text
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if heading.MatchString(line) {
			h.sections = append(h.sections, section{title: line})
			into = &h.sections[len(h.sections)-1].lines
			continue
		}
		*into = append(*into, line)
	}
	h.text = trim(h.text)
	for i := range h.sections {
		h.sections[i].lines = trim(h.sections[i].lines)
	}
	return h
}

// trim drops empty lines at both ends.
func trim(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// section returns the lines of a section, which may be missing.
func (h *help) section(title string) []string {
	for _, s := range h.sections {
		if s.title == title {
			return s.lines
		}
	}
	return nil
}

// A command is one that mpx's own help lists.
type command struct{ name, short string }

var listedCommand = regexp.MustCompile(`^  ([a-z][a-z-]*)  +(\S.*)$`)

func (h *help) commands() (cs []command) {
	for _, line := range h.section("COMMANDS") {
		if m := listedCommand.FindStringSubmatch(line); m != nil {
			cs = append(cs, command{m[1], m[2]})
		}
	}
	return cs
}

// A verb is a command of a command: mpx value create. Its flags are lines of its own
// help.
type verb struct {
	name, usage, short string
	flags              []string
}

var listedVerb = regexp.MustCompile(`^  (([a-z][a-z-]*)( .*)?)$`)

// verbs returns what a command's help tells of its own commands.
func (h *help) verbs() (vs []verb) {
	for _, line := range h.section("SUBCOMMANDS") {
		if m := listedVerb.FindStringSubmatch(line); m != nil {
			vs = append(vs, verb{name: m[2], usage: m[1]})
		} else if len(vs) > 0 {
			last := &vs[len(vs)-1]
			last.short = strings.TrimSpace(last.short + " " + strings.TrimSpace(line))
		}
	}
	return vs
}

// An item is a term and what it means: a flag, an exit status.
type item struct{ term, text string }

var (
	flagLine   = regexp.MustCompile(`^ {2,6}(-.*?)(?:  +(\S.*))?$`)
	statusLine = regexp.MustCompile(`^  (\d\S*) +(\S.*)$`)
)

// items reads lines whose terms start matches. Further lines of an item are
// indented more than its first. It returns what follows the last, too.
func items(lines []string, start *regexp.Regexp) (list []item, rest []string) {
	for i, line := range lines {
		switch m := start.FindStringSubmatch(line); {
		case m != nil:
			list = append(list, item{m[1], m[2]})
		case len(list) > 0 && strings.HasPrefix(line, "       "):
			last := &list[len(list)-1]
			last.text = strings.TrimSpace(last.text + " " + strings.TrimSpace(line))
		default:
			return list, trim(lines[i:])
		}
	}
	return list, nil
}
