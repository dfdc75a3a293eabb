package main

import "strings"

// A page is a manual page, before it has a form.
type page struct {
	name, short string
	help        help
	verbs       []verb
	also        []string // pages
}

// rootPage is mpx(1). What its help calls commands, the page points to.
func rootPage(h help, commands []command) page {
	short, _, _ := strings.Cut(strings.Join(h.text, "\n"), "\n")
	short = strings.TrimSuffix(strings.TrimPrefix(short, "mpx is "), ".")
	p := page{name: "mpx", short: short, help: h}
	for _, c := range commands {
		p.also = append(p.also, "mpx-"+c.name)
	}
	return p
}

// commandPage is mpx-NAME(1).
func commandPage(c command, h help, commands []command) page {
	p := page{name: "mpx-" + c.name, short: lower(c.short), help: h, also: []string{"mpx"}}
	for _, other := range commands {
		if other != c {
			p.also = append(p.also, "mpx-"+other.name)
		}
	}
	return p
}

// lower makes a sentence a phrase.
func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
