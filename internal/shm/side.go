package shm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Side returns the path of the directory for what else belongs to o. Remove removes
// it, too. It is o's alone: another of the same name has another one.
func (o *Object) Side() string {
	return o.dir.file(fmt.Sprintf(".%s.%d", o.Name, o.made))
}

// Inside opens o's Side as a directory of objects.
func (o *Object) Inside() (*Dir, error) {
	d, err := OpenDir(o.Side())
	if err == nil {
		d.label, d.within = o.dir.label+o.Name+":", o.dir.within
	}
	return d, err
}

// Tidy removes the directories of objects that are no more: somebody was killed while he
// removed them, or made them. Those of other names have their time first: it may be that
// the object is about to be made.
func (o *Object) Tidy() error {
	return o.guarded(func() error {
		sides, err := o.dir.sides("")
		for _, s := range sides {
			if s.name == o.Name && s.made != o.made || s.name != o.Name && o.dir.leftBehind(s) {
				err = errors.Join(err, os.RemoveAll(s.path))
			}
		}
		return err
	})
}

// makingTime is how long the directory of an object may be there before it.
const makingTime = time.Minute

// leftBehind reports whether s is no object's, nor soon to be one's.
func (d *Dir) leftBehind(s side) bool {
	if time.Since(time.Unix(0, s.made)) < makingTime {
		return false
	}
	o, err := d.Open(s.name, 0)
	if err != nil {
		return errors.Is(err, ErrNotExist)
	}
	defer o.Close()
	return o.made != s.made
}

// A side is what is, by its name, beside an object.
type side struct {
	path string
	name string // of the object
	made int64  // ns since 1970, likewise
}

// sides returns what is beside any object of that name; "": of any name.
func (d *Dir) sides(name string) (all []side, err error) {
	files, err := os.ReadDir(d.path)
	for _, f := range files {
		s, ok := parseSide(f.Name())
		if ok && (name == "" || s.name == name) {
			s.path = d.file(f.Name())
			all = append(all, s)
		}
	}
	return all, err
}

// parseSide takes the name of a side apart.
func parseSide(file string) (s side, ok bool) {
	dot := strings.LastIndexByte(file, '.')
	if dot < 1 || file[0] != '.' || CheckName(file[1:dot]) != nil {
		return s, false
	}
	made, err := strconv.ParseUint(file[dot+1:], 10, 63) // no sign
	return side{name: file[1:dot], made: int64(made)}, err == nil
}
