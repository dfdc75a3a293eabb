package main

import (
	"cmp"
	"io"
	"os"
	"strconv"
	"sync/atomic"

	"mpx/internal/report"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// progressMode reads --progress, or MPX_PROGRESS.
func (o *mapOptions) progressMode(stderr *os.File) (report.ProgressMode, error) {
	terminal := isTerminal(stderr) && !o.ungroup && !o.tty // else the tasks write there
	dumb := os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb"
	switch word := cmp.Or(o.progress, os.Getenv("MPX_PROGRESS"), "auto"); word {
	case "never":
		return report.ProgressNever, nil
	case "plain":
		return report.ProgressPlain, nil
	case "auto":
		if terminal && !dumb {
			return report.ProgressLine, nil
		}
		return report.ProgressQuiet, nil
	case "always":
		if dumb || o.ungroup || o.tty {
			return report.ProgressPlain, nil
		}
		return report.ProgressLine, nil
	default:
		return 0, usagef("auto, always, plain or never", "--progress %s makes no sense", word)
	}
}

// startProgress shows how far the run is.
func (r *mapRun) startProgress() {
	total := &atomic.Uint64{}
	if r.progress == report.ProgressLine || r.progress == report.ProgressPlain {
		r.countTasks(total)
	}
	r.report.StartProgress(report.ProgressOptions{
		Mode:   r.progress,
		Width:  func() int { return terminalWidth(r.a.stderr) },
		May:    func() bool { return inForeground(r.a.stderr) },
		Colour: os.Getenv("NO_COLOR") == "",
		State: func() report.State {
			st := r.pool.Status()
			s := report.State{Total: total.Load(), Running: st.Running}
			if st.All {
				s.Total = st.Read
			}
			return s
		},
	})
}

// terminalWidth returns how many columns f has: it may change at any time.
func terminalWidth(f *os.File) int {
	if ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 {
		return int(ws.Col)
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
}

// inForeground reports whether f is no terminal, or this process may draw on it:
// the line of a job in the background would be drawn over another's.
func inForeground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

// countTasks finds out how many tasks there will be, beside the run, if all
// input is in files, which can be read twice. Otherwise the end of the input
// tells.
func (r *mapRun) countTasks(total *atomic.Uint64) {
	spec, ok := r.again()
	if !ok || len(spec.Groups) > 1 { // combinations may be more than can be counted
		return
	}
	closeInput := func() {
		if f, ok := spec.Stdin.(*os.File); ok {
			f.Close()
		}
	}
	src, err := task.OpenSource(spec)
	if err != nil {
		closeInput()
		return
	}
	go func() {
		defer closeInput()
		defer src.Close()
		for n := uint64(0); ; {
			tasks, err := src.Next()
			n += uint64(len(tasks))
			if err == io.EOF {
				total.Store(n)
			}
			if err != nil || r.ended.Load() {
				return
			}
		}
	}()
}

// again returns the input as a second reader finds it, and whether there is
// one: not from pipes.
func (r *mapRun) again() (spec task.SourceSpec, ok bool) {
	spec = r.inputSpec
	stdin := len(spec.Files) == 0 && len(spec.Groups) == 0
	for _, name := range inputFiles(&r.inputSpec) {
		if name == "-" {
			stdin = true
		} else if st, err := os.Stat(name); err != nil || !st.Mode().IsRegular() {
			return spec, false
		}
	}
	if !stdin {
		spec.Stdin = nil
		return spec, true
	}
	spec.Stdin, ok = reopen(r.a.stdin, r.stdinAt)
	return spec, ok
}

// reopen opens the regular file f anew, at the place at.
func reopen(f *os.File, at int64) (io.Reader, bool) {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || at < 0 {
		return nil, false
	}
	second, err := os.Open("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return nil, false
	}
	if _, err := second.Seek(at, io.SeekStart); err != nil {
		second.Close()
		return nil, false
	}
	return second, true
}
