package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mpx/internal/task"
)

// kept is what stands in a task's files.
type kept struct {
	stdout, stderr []*task.Output // each one after another
	status         []byte
}

// save writes res to the results directory, into sub of the task's place.
func (r *Report) save(res *task.Result, sub string) error {
	r.scratch = r.appendStatus(r.scratch[:0], res)
	k := kept{[]*task.Output{&res.Stdout}, []*task.Output{&res.Stderr}, r.scratch}
	if l := r.lanes[res.Seq]; l != nil && l.attempt == res.Attempt {
		defer l.out.all.Release()
		defer l.err.all.Release()
		k.stdout = []*task.Output{&l.out.all, &res.Stdout}
		k.stderr = []*task.Output{&l.err.all, &res.Stderr}
	}
	place, err := r.o.Results.write(res, sub, k)
	if c := r.repliesOf(res); err == nil && c != nil {
		err = c.places.add([]byte(place), []byte{0})
	}
	if err != nil {
		r.unsaved[res.Seq] = true
		return fmt.Errorf("save results of task %d: %w", res.Seq, err)
	}
	return nil
}

// write makes the files of k in sub of res's place. An attempt that another one
// follows is kept there, "" is where the task's outcome stands.
func (rs *Results) write(res *task.Result, sub string, k kept) (place string, err error) {
	if place, err = rs.place(res); err != nil {
		return "", err
	}
	dir, err := rs.enter(rs.root, place)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	if err := rs.claim(dir, place, &res.Task); err != nil {
		return "", fmt.Errorf("%s %w", filepath.Join(rs.dir, place), err)
	}
	if sub != "" {
		if dir, err = rs.enter(dir, sub); err != nil {
			return "", err
		}
		defer dir.Close()
	}
	err = k.fill(rs, dir, &res.Task)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s %w", filepath.Join(rs.dir, place, sub), takenBy(dir))
	}
	if err == nil && sub == "" {
		delete(rs.begun, place)
		if rs.resume {
			rs.saved.add(res.Seq)
		}
	}
	return place, err
}

// takeBack has the task of place, which NUL ends, be unfinished.
func (rs *Results) takeBack(place []byte) error {
	rs.changes()
	err := rs.root.Remove(filepath.Join(string(bytes.TrimSuffix(place, []byte{0})), "status.json"))
	if errors.Is(err, fs.ErrNotExist) { // somebody has removed it
		return nil
	}
	return err
}

// enter makes the directory name below root, unless it is there, and opens it.
func (rs *Results) enter(root *os.Root, name string) (*os.Root, error) {
	rs.changes()
	if err := root.MkdirAll(name, 0o777); err != nil {
		return nil, err
	}
	return root.OpenRoot(name)
}

// claim makes place, which is dir, that of t until t's outcome is there. What an
// earlier run has left of the same task, or has not finished, is removed. The error
// says why it is another's.
func (rs *Results) claim(dir *os.Root, place string, t *task.Task) error {
	switch seq, taken := rs.begun[place]; {
	case taken && seq == t.Seq:
		return nil
	case taken:
		return fmt.Errorf("is taken by task %d", seq)
	}
	if rs.resume {
		if err := rs.makeRoom(dir, t); err != nil {
			return err
		}
	}
	rs.begun[place] = t.Seq
	return nil
}

// makeRoom removes from dir what an earlier run has kept of t, or could not finish:
// without status.json nothing says whose it was to be. What is complete and another
// task's stays: where directories are numbers, the input may have moved.
func (rs *Results) makeRoom(dir *os.Root, t *task.Task) error {
	if _, err := dir.Stat("status.json"); err == nil {
		if seq, known := writtenBy(dir); known && rs.saved.has(seq) {
			return fmt.Errorf("is taken by task %d", seq)
		}
		if b, err := dir.ReadFile("record"); err == nil && !bytes.Equal(b, recordOf(t)) {
			return fmt.Errorf("holds another record's (name the directories by the record: --results '%s/{}')", rs.dir)
		}
	}
	for _, name := range []string{"status.json", unfinished, "record", "stderr", "stdout"} {
		rs.changes()
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return rs.removeAttempts(dir)
}

// removeAttempts removes the attempts of an earlier run, of which a kill may have
// left any.
func (rs *Results) removeAttempts(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	for _, name := range names {
		if n, ok := strings.CutPrefix(name, attemptName); ok && err == nil {
			if _, odd := strconv.ParseUint(n, 10, 32); odd == nil {
				rs.changes()
				err = dir.RemoveAll(name)
			}
		}
	}
	return err
}

func (rs *Results) changes() {
	if rs.step != nil {
		rs.step()
	}
}

// unfinished is status.json until it is whole.
const unfinished = "status.json.tmp"

// fill makes the files in dir, status.json last and all at once.
func (k *kept) fill(rs *Results, dir *os.Root, t *task.Task) error {
	files := []struct {
		name string
		fill func(*os.File) error
	}{
		{"stdout", func(f *os.File) error { return writeAll(f, k.stdout) }},
		{"stderr", func(f *os.File) error { return writeAll(f, k.stderr) }},
		{"record", func(f *os.File) error { _, err := f.Write(recordOf(t)); return err }},
		{unfinished, func(f *os.File) error { _, err := f.Write(k.status); return err }},
	}
	for _, f := range files {
		rs.changes()
		if err := create(dir, f.name, func(to *os.File) error { rs.changes(); return f.fill(to) }); err != nil {
			return err
		}
	}
	rs.changes()
	return dir.Rename(unfinished, "status.json")
}

// takenBy says which task has written dir. That is read from dir: a table of
// all paths would grow with the run.
func takenBy(dir *os.Root) error {
	if seq, known := writtenBy(dir); known {
		return fmt.Errorf("is taken by task %d", seq)
	}
	return errors.New("is taken by another task")
}

func writtenBy(dir *os.Root) (seq uint64, known bool) {
	var status struct{ Seq uint64 }
	b, err := dir.ReadFile("status.json")
	known = err == nil && json.Unmarshal(b, &status) == nil
	return status.Seq, known
}

// create makes the file name and has it filled. It must not exist.
func create(dir *os.Root, name string, fill func(*os.File) error) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	// Close reports what a network or quota file system put off.
	return cmp.Or(fill(f), f.Close())
}

func writeAll(f *os.File, parts []*task.Output) error {
	for _, o := range parts {
		if _, err := o.WriteTo(f); err != nil {
			return err
		}
	}
	return nil
}

// recordOf returns t's records as they are, several with newlines between.
func recordOf(t *task.Task) []byte {
	if t.FromStdin {
		return t.Stdin
	}
	var b []byte
	for i := range t.Values.Len() {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(b, t.Values.At(i)...)
	}
	return b
}
