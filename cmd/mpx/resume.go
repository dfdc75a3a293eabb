package main

import (
	"errors"
	"fmt"
	"strings"

	"mpx/internal/pool"
	"mpx/internal/report"
	"mpx/internal/task"
)

func (o *mapOptions) resumes() bool { return o.resume || o.resumeFailed }

// openJoblog opens the file of --joblog.
func (r *mapRun) openJoblog() (err error) {
	path, appends := strings.CutPrefix(r.o.joblog, "+")
	switch {
	case path == "" && appends:
		return usagef("--joblog +FILE", "--joblog + names no file")
	case path == "":
		return nil
	}
	mode := report.JoblogNew
	switch {
	case r.o.resumes():
		mode = report.JoblogResume
	case appends:
		mode = report.JoblogAppend
	}
	r.joblog, err = report.OpenJoblog(path, mode, r.o.okN, r.tmpl.LogName)
	var busy *report.JoblogInUse
	switch {
	case err == nil && r.joblog.Odd > 0:
		fmt.Fprintf(r.a.says, "mpx: joblog %s: %s cannot be read, and are as if they were not there\n", path, counted(r.joblog.Odd, "line"))
	case errors.Is(err, report.ErrJoblogExists):
		return usagef("--resume runs what it lacks, --joblog +"+path+" appends; or remove it", "%v", err)
	case errors.Is(err, report.ErrNotJoblog):
		return usagef("name another file", "%v", err)
	case errors.As(err, &busy):
		return usagef("wait until it has ended, or name another file", "%v", err)
	}
	return err
}

// input is where the pool takes tasks from: the source, and with --resume what
// the joblog says of it.
func (r *mapRun) input() pool.Source {
	if !r.o.resumes() {
		return r.source
	}
	return &resumed{r.source, r.joblog}
}

// A resumed source marks the tasks that an earlier run has done.
type resumed struct {
	source *task.Source
	log    *report.Joblog
}

func (s *resumed) Next() ([]task.Task, error) {
	tasks, err := s.source.Next()
	for i := range tasks {
		tasks[i].Before = s.log.Done(&tasks[i])
	}
	return tasks, err
}
