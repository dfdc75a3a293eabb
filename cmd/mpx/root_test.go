package main

import "testing"

// Each command is found by its name, alone, and each of its own.
func TestRootOfOne(t *testing.T) {
	a := &app{}
	for _, m := range a.commands() {
		if got := m.make().Name(); got != m.name {
			t.Errorf("the command %s is listed as %s", got, m.name)
		}
		if got := a.root([]string{m.name}).Commands(); len(got) != 1 || got[0].Name() != m.name {
			t.Errorf("%s: %d commands", m.name, len(got))
		}
	}
	for _, line := range [][]string{{"pool", "start"}, {"pool", "apply"}, {"process", "ls"}, {"queue", "get"}, {"value", "add"}} {
		group := a.root(line).Commands()[0]
		if got := group.Commands(); len(got) != 1 || got[0].Name() != line[1] {
			t.Errorf("%q: %d commands", line, len(got))
		}
	}
	if got := a.root([]string{"pool", "none"}).Commands()[0].Commands(); len(got) < 10 {
		t.Errorf("%d commands", len(got))
	}
	if got, want := len(a.root([]string{"none"}).Commands()), len(a.commands()); got != want {
		t.Errorf("%d commands, want %d", got, want)
	}
}
