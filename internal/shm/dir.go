package shm

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Errors of named objects. None of this package tells the object's name: the caller
// has it.
var (
	ErrExists   = errors.New("there is one of that name")
	ErrNotExist = errors.New("there is none of that name")
	ErrRemoved  = errors.New("it has been removed")
	ErrDamaged  = errors.New("its file is damaged: another program has changed it")
	ErrTimeout  = errors.New("the time is over")
)

// A Dir is where a user's named objects live, a file each. Nobody else may look
// into it.
type Dir struct {
	path   string
	label  string // stands before the names of its objects, for people
	within *Wait  // see Within
}

// DefaultDir returns the directory of the caller's objects: $MPX_DIR, else
// /dev/shm/mpx-UID, where there is no /dev/shm /tmp/mpx-UID. Not in $XDG_RUNTIME_DIR:
// cron, su and services do not have it, and would find other objects than a terminal.
func DefaultDir() string {
	if dir := os.Getenv("MPX_DIR"); dir != "" {
		return dir
	}
	return ownDir("/dev/shm", "/tmp")
}

// ownDir returns the caller's directory in memory, where that is one, else in temp.
func ownDir(memory, temp string) string {
	var st unix.Stat_t
	if unix.Stat(memory, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		memory = temp
	}
	return filepath.Join(memory, "mpx-"+strconv.Itoa(os.Getuid()))
}

// OpenDir opens the directory at path, which it makes if it is missing. One that
// is a symbolic link, or another user's, or open to others is refused: what is in
// it could be anybody's. An *UnknownError: where this process is cannot be told, and so
// not which objects are leftovers, and who lives.
func OpenDir(path string) (*Dir, error) {
	if _, err := here(); err != nil {
		return nil, err
	}
	if _, err := me(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path) // and clean: Lstat would follow a link with a slash behind it
	if err != nil {
		return nil, fmt.Errorf("find the directory of shared objects: %w", err)
	}
	err = unix.Mkdir(path, 0o700)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("make the directory of shared objects %s: %w", path, err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return nil, fmt.Errorf("open the directory of shared objects %s: %w", path, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return nil, fmt.Errorf("the directory of shared objects %s is no directory", path)
	case int(st.Uid) != os.Getuid():
		return nil, fmt.Errorf("the directory of shared objects %s belongs to user %d, not to you", path, st.Uid)
	case st.Mode&0o077 != 0:
		return nil, fmt.Errorf("the directory of shared objects %s is open to others: chmod 700", path)
	}
	return &Dir{path: path}, nil
}

// Path returns where d is; it is absolute.
func (d *Dir) Path() string { return d.path }

// Is reports whether d is the directory at path.
func (d *Dir) Is(path string) bool {
	var a, b unix.Stat_t
	return unix.Stat(d.path, &a) == nil && unix.Stat(path, &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// CheckName refuses what is no name of an object: 1 to 100 of A-Z a-z 0-9 . _ -,
// the first of them no dot.
func CheckName(name string) error {
	ok := name != "" && len(name) <= 100 && name[0] != '.'
	for i := range len(name) {
		c := name[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return fmt.Errorf("%q is no name", name)
	}
	return nil
}

// Names returns the names of all objects, sorted.
func (d *Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("read the directory of shared objects: %w", err)
	}
	var names []string
	for _, e := range entries {
		if CheckName(e.Name()) == nil && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Remove removes the object name, or a file of that name in d that is no object, and
// that nobody uses. Who holds it keeps it, who waits goes on with the next one of the
// name. ErrNotExist: there is none. ErrRunning: it is a process or a pool that runs.
// Other errors: what it is cannot be told from here, or nothing here can remove it.
func (d *Dir) Remove(name string) error {
	o, err := d.Open(name, 0)
	switch {
	case err == nil:
		defer o.Close()
		if err = o.Remove(); errors.Is(err, ErrRemoved) {
			return ErrNotExist
		}
		return err
	case errors.Is(err, ErrDamaged):
		_, err = untilSettled(d.patience(), func() (struct{}, error) { return struct{}{}, d.removeDamaged(name) })
	}
	return err
}

// removeDamaged removes the file name, which is damaged, or no object, and what is beside
// it. Until then nobody makes another of the name. errGoing: it is another by now.
func (d *Dir) removeDamaged(name string) error {
	f, err := d.openFile(name)
	switch {
	case err == nil:
		defer f.Close()
		if err := claim(f, damaged); err != nil {
			return err
		}
		if _, err := readHeader(f); !errors.Is(err, ErrDamaged) {
			return cmp.Or(err, errGoing)
		}
	case !errors.Is(err, ErrDamaged):
		return err
	}
	sides, err := d.sides(name)
	if err := errors.Join(err, unix.Unlink(d.file(name))); err != nil {
		return err
	}
	_ = unix.Unlink(d.logFile(name)) // it may have been a process
	for _, s := range sides {
		err = errors.Join(err, os.RemoveAll(s.path))
	}
	return err
}

// file returns the path of name.
func (d *Dir) file(name string) string { return filepath.Join(d.path, name) }

// nameless opens a new file in d that has no name yet, so that no kill leaves it
// behind.
func (d *Dir) nameless() (*os.File, error) {
	fd, err := unix.Open(d.path, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.path), nil
}

// link gives f its name, unless there is one.
func (d *Dir) link(f *os.File, name string) error {
	from := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	return unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, d.file(name), unix.AT_SYMLINK_FOLLOW)
}
