package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mpx/internal/report"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// checkRecords refuses a resumption without anything to resume from.
func (o *mapOptions) checkRecords() error {
	if o.resumes() && o.joblog == "" {
		return usagef("add --joblog FILE", "--resume goes by the joblog of the run before")
	}
	return nil
}

// A place is a file that a run reads or writes, and what it is to the run.
type place struct{ what, path string }

// checkPlaces refuses a record in a file that is something else to this run:
// its input, where its output goes, or another record. Opened anew it would be
// emptied, or written over.
func (r *mapRun) checkPlaces() error {
	return checkPlaces(inputFiles(&r.inputSpec), []place{
		{"joblog", strings.TrimPrefix(r.o.joblog, "+")}, {"events", r.o.events}, {"trace", r.o.trace}, {"report", r.o.page}, {"junit", r.o.junit},
	})
}

// checkPlaces is given the files of the input, and records by their flags.
func checkPlaces(input []string, records []place) error {
	var taken []place
	for _, name := range input {
		taken = append(taken, place{"the input", name})
	}
	for fd, what := range []string{"the input", "where mpx's output goes", "where mpx's messages go"} {
		taken = append(taken, place{what, "/proc/self/fd/" + strconv.Itoa(fd)})
	}
	for _, f := range records {
		if f.path == "" || strings.HasPrefix(f.path, "fd:") {
			continue
		}
		for _, t := range taken {
			if sameFile(f.path, t.path) {
				return usagef("name a file of its own", "--%s %s is %s", f.what, f.path, t.what)
			}
		}
		taken = append(taken, place{"--" + f.what, f.path})
	}
	return nil
}

// inputFiles returns the files that tasks are read from.
func inputFiles(input *task.SourceSpec) []string {
	names := slices.Clone(input.Files)
	for _, g := range input.Groups {
		if g.IsFile {
			names = append(names, g.File)
		}
	}
	return names
}

// sameFile reports whether two paths are one regular file, or will be when it is
// made.
func sameFile(a, b string) bool {
	ast, aerr := os.Stat(a)
	bst, berr := os.Stat(b)
	if aerr != nil && berr != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	return aerr == nil && berr == nil && ast.Mode().IsRegular() && os.SameFile(ast, bst)
}

// openRecords opens what is written about the run beside its output.
func (r *mapRun) openRecords(ro *report.Options) (err error) {
	if err := r.checkPlaces(); err != nil {
		return err
	}
	if err := r.openJoblog(); err != nil {
		return err
	}
	ro.Joblog = r.joblog
	if r.o.junit != "" {
		j, err := report.OpenJUnit(r.o.junit, r.o.tmpDir, report.JUnitOptions{Name: "mpx map", Command: r.tmpl.Display})
		if err != nil {
			return err
		}
		ro.Records = append(ro.Records, j)
	}
	if r.o.page != "" {
		p, err := report.OpenPage(r.o.page, report.PageOptions{
			Title: r.title(), Version: strings.TrimPrefix(version(), "mpx "), Jobs: r.o.jobsN, Command: r.tmpl.Display,
		})
		if err != nil {
			return err
		}
		ro.Records = append(ro.Records, p)
	}
	if onGitHub() {
		ro.GitHub, err = report.NewGitHub(report.GitHubOptions{
			Name: r.title(), Command: r.tmpl.Display, Summary: os.Getenv("GITHUB_STEP_SUMMARY"),
		})
	}
	return err
}

// title is what a record calls the run.
func (r *mapRun) title() string {
	if r.o.pool != "" {
		return "mpx map --pool " + r.o.pool
	}
	return task.QuoteWords(append([]string{"mpx", "map"}, r.words...))
}

// openWatchers opens what is written about the run as things happen.
func (r *mapRun) openWatchers() error {
	if r.o.events != "" {
		f, err := openEvents(r.o.events)
		if err != nil {
			return err
		}
		r.watchers = append(r.watchers, report.NewEvents(f, report.EventsOptions{Words: r.words, Jobs: r.o.jobsN, Command: r.tmpl.DisplayWords}))
	}
	if r.o.trace != "" {
		f, err := os.Create(r.o.trace)
		if err != nil {
			return fmt.Errorf("open trace: %w", err)
		}
		r.watchers = append(r.watchers, report.NewTrace(f, r.title(), r.tmpl.Display))
	}
	return nil
}

// openEvents opens the value of --events: a file, or a descriptor that the
// caller has opened.
func openEvents(to string) (*os.File, error) {
	number, ok := strings.CutPrefix(to, "fd:")
	if !ok {
		f, err := os.Create(to)
		if err != nil {
			return nil, fmt.Errorf("open events: %w", err)
		}
		return f, nil
	}
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 1 {
		return nil, usagef("fd:3, and 3>FILE after it", "--events %s makes no sense", to)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY {
		return nil, usagef(fmt.Sprintf("open it for mpx: mpx map --events fd:%d … %d>FILE", fd, fd), "--events %s: descriptor %d is not open for writing", to, fd)
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3) // which may be closed
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	if fd > 2 {
		unix.CloseOnExec(fd) // it is not the tasks'
	}
	return os.NewFile(uintptr(own), to), nil
}

// watch tells the watchers of e.
func (r *mapRun) watch(e task.Event) {
	for _, w := range r.watchers {
		w.Watch(e)
	}
}

// throttle waits for slow readers of the watchers' files. Both who reads the
// input and who takes the results call it: tasks may be large, and an attempt
// may be the fifth of one that was read long ago.
func (r *mapRun) throttle() {
	for _, w := range r.watchers {
		w.Throttle()
	}
}

// closeWatchers writes the rest. The error is the first.
func (r *mapRun) closeWatchers(sum *report.Summary) (err error) {
	for _, w := range r.watchers {
		if werr := w.Close(sum); err == nil {
			err = werr
		}
	}
	return err
}
