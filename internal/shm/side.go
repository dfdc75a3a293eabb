package shm

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Side returns the path of the directory for what else belongs to o. Remove removes
// it, too. It is o's alone: another of the same name has another one.
func (o *Object) Side() string {
	return o.dir.file(fmt.Sprintf(".%s.%d", o.Name, o.made))
}

// Tidy removes the directories of objects of o's name that are no more: somebody was
// killed while he removed them.
func (o *Object) Tidy() error {
	return o.guarded(func() error {
		paths, err := o.dir.sides(o.Name)
		for _, path := range paths {
			if path != o.Side() {
				err = errors.Join(err, os.RemoveAll(path))
			}
		}
		return err
	})
}

// sides returns the paths of what is, by its name, beside any object name.
func (d *Dir) sides(name string) (paths []string, err error) {
	files, err := os.ReadDir(d.path)
	for _, f := range files {
		if n, ok := strings.CutPrefix(f.Name(), "."+name+"."); ok && strings.Trim(n, "0123456789") == "" {
			paths = append(paths, d.file(f.Name()))
		}
	}
	return paths, err
}
