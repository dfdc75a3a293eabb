package main

import "testing"

// Each command is found by its name, alone.
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
	if got, want := len(a.root([]string{"none"}).Commands()), len(a.commands()); got != want {
		t.Errorf("%d commands, want %d", got, want)
	}
}
