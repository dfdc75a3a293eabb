package main

import (
	"cmp"
	"path/filepath"
	"strconv"
	"strings"

	"mpx/internal/proc"
)

// check reads the flags' values.
func (o *mapOptions) check() error {
	for _, f := range []func() error{o.checkInput, o.checkPool, o.checkOutput, o.checkFailure, o.checkManners, o.checkRecords} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (o *mapOptions) checkInput() (err error) {
	if o.null && o.delim != nil {
		return usagef("-0 is -d '\\0'", "-0 and -d exclude each other")
	}
	if o.null {
		o.delim = []byte{0}
	}
	if o.argSep == "" {
		return usagef("the default is :::", "--arg-sep wants a word")
	}
	if o.maxArgs != "max" {
		if o.args, err = strconv.Atoi(o.maxArgs); err != nil || o.args < 0 {
			return usagef("a number of records, max, or 0", "-n %s makes no sense", o.maxArgs)
		}
	}
	if o.block != "" {
		if o.blockN, err = parseSize(o.block); err != nil || o.blockN == 0 {
			return usagef("bytes, or 64K, 10M, 2G", "--block %s makes no sense", o.block)
		}
		if !o.stdin {
			return usagef("add --stdin", "--block is for records on standard input")
		}
	}
	return nil
}

func (o *mapOptions) checkPool() (err error) {
	jobs := o.jobs
	if o.maxProcs != "" {
		jobs = o.maxProcs
	}
	if o.jobsN, err = parseJobs(jobs); err != nil {
		return err
	}
	if o.tty {
		o.jobsN = 1
	}
	if o.chunkSize != "auto" {
		if o.chunkN, err = strconv.Atoi(o.chunkSize); err != nil || o.chunkN < 1 {
			return usagef("a number of records from 1, or auto", "--chunksize %s makes no sense", o.chunkSize)
		}
	}
	if err := o.checkRecycling(); err != nil {
		return err
	}
	if err := o.checkWorker(); err != nil {
		return err
	}
	if o.shell != "" && o.noShell {
		return usagef("leave one out", "--shell and --no-shell exclude each other")
	}
	return nil
}

// checkRecycling reads when workers retire. 0 is never.
func (o *mapOptions) checkRecycling() (err error) {
	if o.maxTasks < 0 {
		return usagef("a number of tasks from 1; 0: never retire", "--maxtasksperchild %d makes no sense", o.maxTasks)
	}
	if o.maxMemory != "" {
		if o.maxMemoryN, err = parseSize(o.maxMemory); err != nil {
			return usagef("bytes, or 500M, 2G; 0: never retire", "--max-worker-memory %s makes no sense", o.maxMemory)
		}
	}
	if o.maxAge != "" {
		if o.maxAgeDur, err = parseDuration(o.maxAge); err != nil {
			return usagef("90s, 15m, 2h, 1d, or a number of seconds; 0: never retire", "--max-worker-age %s makes no sense", o.maxAge)
		}
	}
	return nil
}

// checkWorker refuses what a worker that is a shell cannot do.
func (o *mapOptions) checkWorker() error {
	o.protocol, o.inflight = cmp.Or(o.protocol, "lines"), cmp.Or(o.inflight, "auto")
	switch {
	case o.worker != "filter" && (o.protocol != "lines" || o.inflight != "auto"):
		return usagef("add --worker filter", "--protocol and --inflight are for filters")
	case o.worker == "" || o.worker == "exec":
		return nil
	case o.worker == "filter":
		return o.checkFilter()
	case o.worker != "shell":
		return usagef("exec, shell or filter", "--worker %s makes no sense", o.worker)
	case o.noShell:
		return usagef("leave one out", "--worker shell and --no-shell exclude each other")
	case o.tty:
		return usagef("leave out --worker shell", "--tty gives the terminal to one task's process, and a resident shell has its own")
	}
	shell := o.shellWords("sh")[0]
	if path, err := proc.LookPath(shell); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil && strings.HasPrefix(filepath.Base(real), "ksh") {
			return usagef("dash, bash, busybox sh, zsh or mksh", "--worker shell: ( ) is no process in %s, so a task could not be told from its shell", filepath.Base(real))
		}
	}
	return nil
}

// checkOutput refuses modes that exclude each other.
func (o *mapOptions) checkOutput() error {
	var modes []string
	for _, m := range []struct {
		on   bool
		name string
	}{{o.lineBuffer, "--line-buffer"}, {o.ungroup, "--ungroup"}, {o.tty, "--tty"}, {o.json, "--json"}} {
		if m.on {
			modes = append(modes, m.name)
		}
	}
	if len(modes) > 1 {
		return usagef("choose one", "%s exclude each other", strings.Join(modes, " and "))
	}
	if o.keepOrder && o.unordered {
		return usagef("choose one", "-k and --unordered exclude each other")
	}
	if (o.ungroup || o.tty) && (o.tag || o.tagString != "" || o.results != "") {
		return usagef("leave out "+modes[0], "with %s mpx does not see what tasks write: no --tag, --tagstring, --results", modes[0])
	}
	if o.lineBuffer && o.results != "" {
		return usagef("leave out --line-buffer", "--line-buffer and --results exclude each other")
	}
	if o.tty && o.stdin {
		return usagef("leave one out", "--tty and --stdin both want the task's standard input")
	}
	return nil
}
