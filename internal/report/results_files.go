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
	if err := r.o.Results.write(res, sub, k); err != nil {
		return fmt.Errorf("save results of task %d: %w", res.Seq, err)
	}
	return nil
}

func (rs *Results) write(res *task.Result, sub string, k kept) error {
	place, err := rs.place(res)
	if err != nil {
		return err
	}
	place = filepath.Join(place, sub)
	if err := rs.root.MkdirAll(place, 0o777); err != nil {
		return err
	}
	dir, err := rs.root.OpenRoot(place)
	if err != nil {
		return err
	}
	defer dir.Close()
	if rs.resume {
		if err := rs.makeRoom(dir, place, &res.Task, max(res.Attempt, 1)); err != nil {
			return err
		}
	}
	err = k.fill(dir, &res.Task)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s %w", filepath.Join(rs.dir, place), takenBy(dir))
	}
	return err
}

// makeRoom removes from dir what an earlier run has kept of the same task, or
// could not finish. Another task's files stay: where directories are numbers,
// the input may have moved.
func (rs *Results) makeRoom(dir *os.Root, place string, t *task.Task, attempt uint32) error {
	b, err := dir.ReadFile("record")
	if err == nil && !bytes.Equal(b, recordOf(t)) {
		return fmt.Errorf("%s holds another record's (name the directories by the record: --results '%s/{}')", filepath.Join(rs.dir, place), rs.dir)
	}
	for _, name := range []string{"status.json", unfinished, "record", "stderr", "stdout"} {
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for n := attempt; ; n++ { // of an earlier run, which needed more of them
		if _, err := dir.Stat(attemptDir(n)); err != nil {
			return nil
		}
		if err := dir.RemoveAll(attemptDir(n)); err != nil {
			return err
		}
	}
}

// unfinished is status.json until it is whole.
const unfinished = "status.json.tmp"

// fill makes the files in dir, status.json last and all at once.
func (k *kept) fill(dir *os.Root, t *task.Task) error {
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
		if err := create(dir, f.name, f.fill); err != nil {
			return err
		}
	}
	return dir.Rename(unfinished, "status.json")
}

// takenBy says which task has written dir. That is read from dir: a table of
// all paths would grow with the run.
func takenBy(dir *os.Root) error {
	var status struct{ Seq uint64 }
	if b, err := dir.ReadFile("status.json"); err != nil || json.Unmarshal(b, &status) != nil {
		return errors.New("is taken by another task")
	}
	return fmt.Errorf("is taken by task %d", status.Seq)
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
