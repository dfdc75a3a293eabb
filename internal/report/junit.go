package report

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"mpx/internal/task"
)

// JUnitOptions say what a JUnit file is to tell.
type JUnitOptions struct {
	Name string // of the suite: "mpx map"
	// Command returns a task's command for people; nil: cases are called by
	// their number.
	Command func(t *task.Task, slot int) string
}

// A JUnit is a Recorder that writes a JUnit XML file: the form in which CI
// services take the outcome of tests. A task is a test case.
type JUnit struct {
	o     JUnitOptions
	class string
	file  *os.File
	start time.Time
	count junitCounts

	// The number of cases stands before the first of them, and the file may be
	// a pipe: they wait in a store of their own until there are no more.
	store *task.Store
	cases spool
	fail  error
}

type junitCounts struct{ tests, failures, errors, skipped int }

// OpenJUnit makes or empties the file path, which is written when the JUnit is
// closed. The cases wait for that in tmpdir ("": $TMPDIR or /tmp).
func OpenJUnit(path, tmpdir string, o JUnitOptions) (*JUnit, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, fmt.Errorf("open JUnit file: %w", err)
	}
	store := task.NewStore(tmpdir)
	return &JUnit{
		o: o, class: strings.ReplaceAll(o.Name, " ", "."),
		file: f, start: time.Now(), store: store, cases: spool{store: store},
	}, nil
}

// Record adds res as a case unless another attempt follows. The error is one
// of reading its outputs or of making and writing the temporary file; it
// comes again from then on.
func (j *JUnit) Record(res *task.Result) error {
	if res.Again || j.fail != nil {
		return j.fail
	}
	j.count.add(res.Status)
	if j.cases.buf, j.fail = j.appendCase(j.cases.buf, res); j.fail == nil {
		j.fail = j.cases.grow()
	}
	if j.fail != nil {
		j.fail = fmt.Errorf("record task %d for JUnit: %w", res.Seq, j.fail)
	}
	return j.fail
}

func (c *junitCounts) add(s task.Status) {
	c.tests++
	switch s {
	case task.Failed, task.Signalled, task.TimedOut:
		c.failures++
	case task.Lost:
		c.errors++
	case task.Skipped, task.Cancelled:
		c.skipped++
	}
}

// Close writes the file. Of a run that mpx could not go on with it has one case more,
// an error: what was done of it may have gone well. The file stays empty after an
// error: a part of the cases would look like all of them. Errors of writing name the
// file.
func (j *JUnit) Close(sum *Summary) error {
	defer j.store.Close()
	if sum.Broken != "" {
		j.count.tests++
		j.count.errors++
		j.cases.buf = j.appendBroken(j.cases.buf, sum.Broken)
	}
	err := j.fail
	if err == nil {
		err = writeWhole(j.file, j.write)
	}
	if err = cmp.Or(err, j.file.Close()); err != nil {
		return fmt.Errorf("write JUnit file: %w", err)
	}
	return nil
}

// writeWhole has write write to f, which stays empty if it cannot: a part would look
// like the whole.
func writeWhole(f *os.File, write func() error) error {
	err := write()
	if err != nil {
		_ = f.Truncate(0) // a pipe cannot, and its reader has what it has
	}
	return err
}

func (j *JUnit) write() error {
	if _, err := j.file.Write(j.appendHeader(nil)); err != nil {
		return err
	}
	if _, err := j.cases.body.WriteTo(j.file); err != nil {
		return err
	}
	_, err := j.file.Write(append(j.cases.buf, "</testsuite>\n</testsuites>\n"...))
	return err
}

// appendHeader appends what stands before the cases. The time is the run's,
// from OpenJUnit on; that of the cases may add up to more.
func (j *JUnit) appendHeader(b []byte) []byte {
	name := string(appendXML(nil, j.o.Name, true))
	figures := fmt.Sprintf(`tests="%d" failures="%d" errors="%d" skipped="%d" time="%.6f"`,
		j.count.tests, j.count.failures, j.count.errors, j.count.skipped, time.Since(j.start).Seconds())
	host, _ := os.Hostname() // "" does no harm
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	b = fmt.Appendf(b, "<testsuites name=\"%s\" %s>\n", name, figures)
	return fmt.Appendf(b, "<testsuite name=\"%s\" %s timestamp=\"%s\" hostname=\"%s\">\n",
		name, figures, j.start.UTC().Format("2006-01-02T15:04:05"), appendXML(nil, host, true))
}
