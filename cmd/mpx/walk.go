package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"mpx/internal/task"
)

// walkBatch is how many paths a walk yields at a time, at most.
const walkBatch = 256

// A walk yields the regular files at and below its roots in path order, a
// directory sorting as NAME/. It keeps one directory's names for each level of
// depth, and follows no symbolic links but the roots themselves.
type walk struct {
	todo     []entry // last first
	complain func(path, why string)
}

// An entry is a path to visit. A root may be anything; below it, the directory
// has said what it is.
type entry struct {
	path string
	root bool
	dir  bool
}

func newWalk(roots []string, complain func(path, why string)) *walk {
	w := &walk{complain: complain}
	for _, r := range slices.Backward(roots) {
		w.todo = append(w.todo, entry{path: r, root: true})
	}
	return w
}

// Next implements pool.Source.
func (w *walk) Next() ([]task.Task, error) {
	var tasks []task.Task
	for len(w.todo) > 0 && len(tasks) < walkBatch {
		e := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		if w.visit(e) {
			tasks = append(tasks, task.Task{Values: task.One([]byte(e.path))})
		}
	}
	if len(tasks) == 0 {
		return nil, io.EOF
	}
	return tasks, nil
}

// visit reports whether e is a file to digest; a directory's entries are put
// next.
func (w *walk) visit(e entry) bool {
	if e.root {
		st, err := os.Stat(e.path)
		switch {
		case err != nil:
			w.complain(e.path, reason(err))
			return false
		case st.IsDir():
			e.dir = true
		case !st.Mode().IsRegular():
			w.complain(e.path, "not a regular file")
			return false
		}
	}
	if e.dir {
		w.list(e.path)
	}
	return !e.dir
}

// list puts the entries of dir next.
func (w *walk) list(dir string) {
	entries, err := os.ReadDir(dir) // what was read before an error counts
	if err != nil {
		w.complain(dir, reason(err))
	}
	keep := entries[:0]
	for _, e := range entries {
		if e.IsDir() || e.Type().IsRegular() {
			keep = append(keep, e)
		}
	}
	slices.SortFunc(keep, func(a, b fs.DirEntry) int { return strings.Compare(sortName(b), sortName(a)) })
	prefix := dir
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	for _, e := range keep {
		w.todo = append(w.todo, entry{path: prefix + e.Name(), dir: e.IsDir()})
	}
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// reason is err without the path, which the reader is told anyway.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// listed walks paths that a list names, as they are read.
type listed struct {
	src  *task.Source
	walk *walk
}

func (l *listed) Next() ([]task.Task, error) {
	for {
		if len(l.walk.todo) > 0 {
			if tasks, err := l.walk.Next(); err != io.EOF {
				return tasks, err
			}
		}
		tasks, err := l.src.Next()
		if err != nil {
			return nil, err
		}
		for i := range slices.Backward(tasks) {
			l.walk.todo = append(l.walk.todo, entry{path: string(tasks[i].Values.At(0)), root: true})
		}
	}
}
