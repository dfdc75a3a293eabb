package main

import (
	"fmt"
	"regexp"
	"strings"
)

// A source is where pages come from, as their last line tells it.
type source struct{ date, version string }

// titles are sections that manuals name otherwise than help does.
var titles = map[string]string{"USAGE": "SYNOPSIS", "FLAGS": "OPTIONS"}

// order is how the sections of a page follow each other; others come before the
// last.
var order = []string{"USAGE", "", "COMMANDS", "SUBCOMMANDS", "FLAGS", "EXAMPLES", "EXIT STATUS"}

// roff returns the page for man.
func (p *page) roff(src source) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 %s \"%s\" \"mpx\"\n", strings.ToUpper(p.name), src.date, escape(strings.TrimSpace("mpx "+src.version)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(p.name), escape(p.short))
	for _, title := range p.order() {
		if title == "" {
			b.WriteString(".SH DESCRIPTION\n")
			prose(&b, p.help.text)
			continue
		}
		lines := p.help.section(title)
		if len(lines) == 0 {
			continue
		}
		name := title
		if t := titles[title]; t != "" {
			name = t
		}
		fmt.Fprintf(&b, ".SH %s\n", name)
		p.section(&b, title, lines)
	}
	b.WriteString(".SH SEE ALSO\n")
	for i, name := range p.also {
		comma := ","
		if i == len(p.also)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, ".BR %s (1)%s\n", escape(name), comma)
	}
	return b.String()
}

// order returns the titles of the page's sections; "" is the text before them.
func (p *page) order() []string {
	known := map[string]bool{}
	for _, t := range order {
		known[t] = true
	}
	titles := order[: len(order)-1 : len(order)-1]
	for _, s := range p.help.sections {
		if !known[s.title] {
			titles = append(titles, s.title)
		}
	}
	return append(titles, order[len(order)-1])
}

// section writes the lines of a section in the form that fits it.
func (p *page) section(b *strings.Builder, title string, lines []string) {
	switch title {
	case "USAGE":
		for i, line := range lines {
			if i > 0 {
				b.WriteString(".br\n")
			}
			b.WriteString(synopsis(strings.TrimSpace(line)) + "\n")
		}
	case "COMMANDS":
		for _, c := range p.help.commands() {
			fmt.Fprintf(b, ".TP\n.BR %s (1)\n%s\n", escape("mpx-"+c.name), text(c.short))
		}
	case "SUBCOMMANDS":
		for _, v := range p.verbs {
			v.write(b)
		}
	case "EXAMPLES":
		example(b, lines)
	case "FLAGS":
		list(b, lines, flagLine, flagTerm)
	case "EXIT STATUS":
		list(b, lines, statusLine, bold)
	default:
		prose(b, lines)
	}
}

// write writes a subcommand, and its flags below it.
func (v *verb) write(b *strings.Builder) {
	fmt.Fprintf(b, ".TP\n%s\n%s\n", synopsis(v.usage), text(v.short))
	if len(v.flags) > 0 {
		b.WriteString(".RS\n")
		list(b, v.flags, flagLine, flagTerm)
		b.WriteString(".RE\n")
	}
}

// list writes items, each under its term, and what follows them.
func list(b *strings.Builder, lines []string, start *regexp.Regexp, term func(string) string) {
	list, rest := items(lines, start)
	for _, it := range list {
		fmt.Fprintf(b, ".TP\n%s\n%s\n", term(it.term), text(it.text))
	}
	for i := range rest {
		rest[i] = strings.TrimPrefix(rest[i], "  ")
	}
	prose(b, rest)
}

// prose writes paragraphs. Indented lines among them keep their form.
func prose(b *strings.Builder, lines []string) {
	for len(lines) > 0 {
		n, indented := 0, strings.HasPrefix(lines[0], " ")
		for n < len(lines) && lines[n] != "" && strings.HasPrefix(lines[n], " ") == indented {
			n++
		}
		if indented {
			example(b, lines[:n])
		} else {
			paragraph(b)
			b.WriteString(text(lines[:n]...) + "\n")
		}
		lines = trim(lines[n:])
	}
}

// paragraph begins one, unless a section's title has.
func paragraph(b *strings.Builder) {
	s := b.String()
	if last := s[strings.LastIndexByte(s[:len(s)-1], '\n')+1:]; !strings.HasPrefix(last, ".SH ") {
		b.WriteString(".PP\n")
	}
}

// example writes lines that stay as they are.
func example(b *strings.Builder, lines []string) {
	paragraph(b)
	b.WriteString(".EX\n.in +4n\n")
	for _, line := range lines {
		b.WriteString(text(strings.TrimPrefix(line, "  ")) + "\n")
	}
	b.WriteString(".in\n.EE\n")
}

var literal = regexp.MustCompile(`^[a-z][a-z-]*$`)

// synopsis sets what is typed as it stands in bold.
func synopsis(line string) string {
	words := strings.Split(line, " ")
	for i, w := range words {
		if literal.MatchString(w) {
			words[i] = bold(w)
		} else {
			words[i] = escape(w)
		}
	}
	return strings.Join(words, " ")
}

func bold(s string) string { return `\fB` + escape(s) + `\fR` }

// flagTerm sets "-a, --arg-file FILE" as manuals do.
func flagTerm(term string) string {
	words := strings.Split(term, " ")
	for i, w := range words {
		if name, comma := strings.CutSuffix(w, ","); strings.HasPrefix(w, "-") {
			name, value, optional := strings.Cut(name, "[=")
			words[i] = bold(name)
			if optional { // --flag[=VALUE]
				words[i] += `[=\fI` + escape(strings.TrimSuffix(value, "]")) + `\fR]`
			}
			if comma {
				words[i] += ","
			}
		} else {
			words[i] = `\fI` + escape(w) + `\fR`
		}
	}
	return strings.Join(words, " ")
}

// text returns lines of text as roff takes them: none is a request.
func text(lines ...string) string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = escape(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			out[i] = `\&` + out[i]
		}
	}
	return strings.Join(out, "\n")
}

// escape writes every character so that it appears as itself: roff has a use
// for some, and makes others prettier than a shell takes them.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\\':
			b.WriteString(`\(rs`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '"':
			b.WriteString(`\(dq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		default:
			if r < 128 {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, `\[u%04X]`, r)
			}
		}
	}
	return b.String()
}
