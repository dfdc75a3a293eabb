package ipc

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A diskOp is what a disk was asked for, or a remark.
type diskOp struct {
	kind     string // write, truncate, sync, syncDir, name, unname, remark
	path     string // of name, unname, syncDir
	ino      uint64 // of the others, and of name
	at, size int64
	data     []byte
	remark   func(*crashWant)
}

// A crashDisk is the disk, and writes down what it is asked for.
type crashDisk struct {
	realDisk
	mu     sync.Mutex
	ops    []diskOp
	synced map[uint64]bool // files without a name
}

func (d *crashDisk) add(op diskOp) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, op)
}

func inodeOf(f *os.File) uint64 {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		panic(err)
	}
	return st.Ino
}

func (d *crashDisk) open(path string, flag int) (*os.File, error) {
	_, missing := os.Lstat(path)
	f, err := d.realDisk.open(path, flag)
	switch {
	case err != nil:
	case missing != nil:
		d.add(diskOp{kind: "name", path: path, ino: inodeOf(f)})
	case flag&os.O_TRUNC != 0:
		d.add(diskOp{kind: "truncate", ino: inodeOf(f)})
	}
	return f, err
}

func (d *crashDisk) write(f *os.File, b []byte, at int64) error {
	d.add(diskOp{kind: "write", ino: inodeOf(f), at: at, data: bytes.Clone(b)})
	return d.realDisk.write(f, b, at)
}

func (d *crashDisk) truncate(f *os.File, size int64) error {
	d.add(diskOp{kind: "truncate", ino: inodeOf(f), size: size})
	return d.realDisk.truncate(f, size)
}

func (d *crashDisk) sync(f *os.File) error {
	d.mu.Lock()
	d.synced[inodeOf(f)] = true
	d.mu.Unlock()
	d.add(diskOp{kind: "sync", ino: inodeOf(f)})
	return nil
}

func (d *crashDisk) syncDir(path string) error {
	d.add(diskOp{kind: "syncDir", path: path})
	return nil
}

func (d *crashDisk) link(f *os.File, path string) error {
	err := d.realDisk.link(f, path)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	ino := inodeOf(f)
	d.add(diskOp{kind: "write", ino: ino, data: b})
	if d.synced[ino] {
		d.add(diskOp{kind: "sync", ino: ino})
	}
	d.add(diskOp{kind: "name", path: path, ino: ino})
	return nil
}

func (d *crashDisk) rename(string, string) error { panic("no test asks for that") }

func (d *crashDisk) remove(path string) error {
	err := d.realDisk.remove(path)
	if err == nil {
		d.add(diskOp{kind: "unname", path: path})
	}
	return err
}

// A crashState is what may be on a disk: files with what is written and not synced, and
// names in one directory, likewise.
type crashState struct {
	files map[uint64]*crashFile
	names map[string]uint64
	named []diskOp // not synced
}

type crashFile struct {
	b       []byte
	written []diskOp // not synced
}

// crashStateOf returns what is in the directory, all of it synced.
func crashStateOf(t testing.TB, dir string) *crashState {
	s := &crashState{files: map[uint64]*crashFile{}, names: map[string]uint64{}}
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		s.names[f.Name()], s.files[inodeOf(f)] = inodeOf(f), &crashFile{b: b}
		f.Close()
	}
	return s
}

func (s *crashState) clone() *crashState {
	c := &crashState{files: map[uint64]*crashFile{}, names: map[string]uint64{}, named: slices.Clone(s.named)}
	for ino, f := range s.files {
		c.files[ino] = &crashFile{bytes.Clone(f.b), slices.Clone(f.written)}
	}
	for name, ino := range s.names {
		c.names[name] = ino
	}
	return c
}

func (s *crashState) file(ino uint64) *crashFile {
	if s.files[ino] == nil {
		s.files[ino] = &crashFile{}
	}
	return s.files[ino]
}

// do has s be what it is after op.
func (s *crashState) do(op diskOp) {
	switch op.kind {
	case "write", "truncate":
		f := s.file(op.ino)
		f.written = append(f.written, op)
	case "sync":
		f := s.file(op.ino)
		for _, w := range f.written {
			f.apply(w, func(int64) bool { return true })
		}
		f.written = nil
	case "name", "unname":
		s.named = append(s.named, op)
	case "syncDir":
		for _, n := range s.named {
			s.name(n)
		}
		s.named = nil
	}
}

func (s *crashState) name(op diskOp) {
	if delete(s.names, op.path); op.kind == "name" {
		s.names[op.path] = op.ino
	}
}

// apply does op, but for the sectors that has says are not written.
func (f *crashFile) apply(op diskOp, has func(sector int64) bool) {
	if op.kind == "truncate" {
		if has(0) && op.size < int64(len(f.b)) {
			f.b = f.b[:op.size]
		}
		return
	}
	for i := 0; i < len(op.data); {
		at := op.at + int64(i)
		n := min(len(op.data)-i, int(512-at%512))
		if has(at / 512) {
			for int64(len(f.b)) < at+int64(n) {
				f.b = append(f.b, 0)
			}
			copy(f.b[at:], op.data[i:i+n])
		}
		i += n
	}
}

// pending returns how many steps are not synced.
func (s *crashState) pending() (n int) {
	n = len(s.named)
	for _, f := range s.files {
		n += len(f.written)
	}
	return n
}

// cut has s be what a loss of power leaves: how says of each step that is not synced
// whether it is there: 0 no, 1 yes, 2 in part.
func (s *crashState) cut(how func() int, r *rand.Rand) {
	var inos []uint64
	for ino := range s.files {
		inos = append(inos, ino)
	}
	slices.Sort(inos)
	for _, ino := range inos {
		f := s.files[ino]
		for _, w := range f.written {
			switch how() {
			case 1:
				f.apply(w, func(int64) bool { return true })
			case 2:
				first, half := w.at/512, r.IntN(2) == 0
				border := first + 1 + r.Int64N(int64(len(w.data))/512+1)
				f.apply(w, func(sector int64) bool { return (sector < border) == half })
			}
		}
		f.written = nil
	}
	for _, n := range s.named {
		if how() != 0 {
			s.name(n)
		}
	}
	s.named = nil
}

// write makes the files of s, in dir.
func (s *crashState) write(t testing.TB, dir string) {
	for path, ino := range s.names {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), s.file(ino).b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
