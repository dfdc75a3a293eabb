package main

import (
	"strings"
	"syscall"

	"mpx/internal/report"
	"mpx/internal/task"
)

func (o *mapOptions) mode() report.Mode {
	switch {
	case o.lineBuffer:
		return report.LineBuffered
	case o.ungroup, o.tty:
		return report.Ungrouped
	case o.json:
		return report.JSON
	}
	return report.Grouped
}

func (o *mapOptions) order() report.Order {
	if o.unordered || o.lineBuffer && !o.keepOrder {
		return report.Completion
	}
	return report.Input
}

// shellWords returns --shell's words, or def.
func (o *mapOptions) shellWords(def ...string) []string {
	if o.shell == "" {
		return def
	}
	return strings.Fields(o.shell)
}

// spec is what the template needs to know.
func (o *mapOptions) spec(words, names []string, columns int) task.Spec {
	s := task.Spec{
		Words: words, Replace: o.replace, Shell: o.shellWords(), NoShell: o.noShell, Names: names, Resident: o.worker == "shell", Filter: o.worker == "filter",
		ToStdin: o.stdin, Omit: o.maxArgs != "max" && o.args == 0, Many: o.maxArgs == "max" || o.args > 1, Columns: columns,
	}
	if len(names) > 0 && (o.csv || o.colsep != nil) {
		s.Columns = len(names)
	}
	s.MultiValue = s.Many || o.colsep != nil || o.csv || columns > 1
	return s
}

// sourceSpec is what the source needs to know.
func (o *mapOptions) sourceSpec(a *app, words []string, groups []task.Group) task.SourceSpec {
	lines := len(words) == 0
	s := task.SourceSpec{
		Stdin: a.stdin, Files: o.argFiles, Groups: groups, Delim: o.delim, Colsep: o.colsep,
		CSV: o.csv, Header: o.header, MaxArgs: o.args, NoRecord: o.maxArgs == "0", Fill: o.maxArgs == "max",
		Jobs: max(o.jobsN, 1), ToStdin: o.stdin, Block: o.blockN,
		SkipEmpty: o.noRunIfEmpty, SkipBlank: lines,
	}
	if s.NoRecord {
		s.MaxArgs = 1
	}
	if o.worker == "filter" && o.spans() {
		s.Span, s.SpanDelim = spanBytes, o.filterDelim()
	}
	s.ArgBytes = argRoom(words)
	return s
}

// openTasks opens the input and compiles COMMAND for it.
func (o *mapOptions) openTasks(input task.SourceSpec, words []string) (*task.Source, task.Spec, *task.Template, error) {
	src, err := task.OpenSource(input)
	if err != nil {
		return nil, task.Spec{}, nil, err
	}
	names, err := src.Names()
	if err != nil {
		return src, task.Spec{}, nil, err
	}
	spec := o.spec(words, names, src.Columns())
	tmpl, err := task.Compile(spec)
	return src, spec, tmpl, err
}

// argRoom is how many bytes of records -n max puts into one command: what the
// kernel has room for, beside the environment and the words, and no more than
// xargs.
func argRoom(words []string) int {
	limit := 2 << 20
	var rl syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_STACK, &rl) == nil && rl.Cur/4 < uint64(limit) {
		limit = int(rl.Cur / 4)
	}
	for _, w := range append(syscall.Environ(), words...) {
		limit -= len(w) + 9
	}
	return max(4096, min(limit-8192, 128<<10))
}
