package main

import (
	"path/filepath"
	"strconv"
	"strings"

	"mpx/internal/pool"
	"mpx/internal/task"
	"mpx/internal/worker"
)

// checkFilter reads what a worker that is a filter needs, and refuses what it
// cannot do: it has one process for many records, and many records at a time.
func (o *mapOptions) checkFilter() (err error) {
	if o.protocol != "lines" && o.protocol != "json" {
		return usagef("lines or json", "--protocol %s makes no sense", o.protocol)
	}
	if o.inflight != "auto" {
		if o.inflightN, err = strconv.Atoi(o.inflight); err != nil || o.inflightN < 1 {
			return usagef("a number of records from 1, or auto", "--inflight %s makes no sense", o.inflight)
		}
	}
	for _, f := range []struct {
		on         bool
		flag, hint string
	}{
		{o.maxArgs != "1" && o.maxArgs != "", "-n", "a filter gets one record after another"},
		{o.stdin, "--stdin", "a filter gets its records there anyway"},
		{o.colsep != nil || o.csv, "-C and --csv", "a filter gets whole records; it can split them itself"},
		{o.header, "--header", "skip the first line: tail -n +2 FILE | mpx map --worker filter …"},
		{o.tty, "--tty", "leave it out"},
		{o.ungroup, "-u", "leave it out: replies are printed in order, or with --unordered as they come"},
		{o.limitMemory != "", "--limit-memory", "a filter is retired over --max-worker-memory"},
	} {
		if f.on {
			return usagef(f.hint, "%s and --worker filter exclude each other", f.flag)
		}
	}
	return nil
}

// filterDelim ends records on their way to a filter and back.
func (o *mapOptions) filterDelim() byte {
	if o.null {
		return 0
	}
	return '\n'
}

const (
	// spanBytes is about how many bytes of records are handed about together.
	spanBytes = 64 << 10
	// Bounds of a pool whose tasks come in spans: in bytes it is bounded as any.
	spanAhead  = 64 << 10
	spanWindow = 256 << 10
)

// spans reports whether records may be handed about many together: nothing is
// shown or kept of a single one that went well.
func (o *mapOptions) spans() bool {
	return o.protocol == "lines" && !o.showsRecords() && !o.verbose && !o.dryRun && !o.lineBuffer && o.delay == "" && o.load == "" &&
		o.memFree == "" && !o.jobserver && o.events == "" && o.trace == "" && o.haltAt.On == pool.HaltNever && !o.noRunIfEmpty
}

// showsRecords reports whether something of each task's record is printed or
// kept.
func (o *mapOptions) showsRecords() bool {
	return o.json || o.tag || o.tagString != "" || o.results != "" || o.joblog != "" || o.junit != "" || o.page != ""
}

// configureFilter has cfg keep a copy of the command running in each worker.
func (o *mapOptions) configureFilter(cfg *pool.Config, spec task.Spec) {
	cfg.Args = worker.Filter{Command: spec, JSON: o.protocol == "json", Inflight: o.inflightN}
	cfg.Delim, cfg.AnyOrder, cfg.Inflight = o.filterDelim(), o.protocol == "json", o.inflightN
	cfg.Unbuffer = unbuffer(spec.Words)
	if o.spans() {
		cfg.Ahead, cfg.Window = spanAhead, spanWindow
	}
}

// unbuffer says how the command is told not to hold back its output.
func unbuffer(words []string) string {
	if len(words) == 1 {
		words = strings.Fields(words[0])
	}
	name := filepath.Base(words[0])
	switch {
	case strings.HasPrefix(name, "python"):
		return "have it write each reply at once: " + name + " -u …, or print(…, flush=True)"
	case name == "sed":
		return "have it write each reply at once: sed -u …"
	case strings.HasSuffix(name, "grep"):
		return name + " --line-buffered; and a filter must answer each record, which grep does not: see --stdin"
	case name == "mawk":
		return "have it write each reply at once: mawk -W interactive …, or fflush() after each print"
	case strings.HasSuffix(name, "awk"):
		return "have it write each reply at once: fflush() after each print"
	case name == "jq":
		return "have it write each reply at once: jq --unbuffered …"
	case name == "perl":
		return "have it write each reply at once: $| = 1"
	case name == "ruby":
		return "have it write each reply at once: $stdout.sync = true"
	}
	return "have it write each reply at once: stdbuf -oL " + name + " …, or flush its output after each"
}
