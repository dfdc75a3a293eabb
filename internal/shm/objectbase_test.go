package shm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// objectHelper returns the command that runs helper name, which finds its objects
// in d: its first argument.
func objectHelper(t *testing.T, d *Dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := helper(t, nil, name, append([]string{d.Path()}, args...)...)
	cmd.ExtraFiles = nil
	return cmd
}

// asRoot skips a test that only root can do.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root")
	}
}

func TestOpenDirRefuses(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "own")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir(own, 0o700))
	check(os.Symlink(own, filepath.Join(dir, "link")))
	check(os.Mkdir(filepath.Join(dir, "open"), 0o755))
	check(os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for path, want := range map[string]string{
		"link": "is no directory", "link/": "is no directory", "link/.": "is no directory",
		"open": "is open to others: chmod 700", "file": "is no directory", "none/none": "no such file",
	} {
		if _, err := OpenDir(dir + "/" + path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if d, err := OpenDir(own + "/"); err != nil || d.Path() != own {
		t.Errorf("%v, %v, want %s", d, err, own)
	}
	asRoot(t)
	check(os.Chown(own, 12345, 12345))
	if _, err := OpenDir(own); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("another's: %v", err)
	}
}

func TestOpenDirRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	d, err := OpenDir("objects")
	if err != nil || !filepath.IsAbs(d.Path()) {
		t.Errorf("%v, %v: want an absolute path", d, err)
	}
}

func TestDefaultDir(t *testing.T) {
	dir := t.TempDir()
	name := fmt.Sprintf("/mpx-%d", os.Getuid())
	for mpx, want := range map[string]string{"/a": "/a", "": "/dev/shm" + name} {
		for _, other := range []string{"", dir} {
			t.Setenv("MPX_DIR", mpx)
			t.Setenv("XDG_RUNTIME_DIR", other)
			t.Setenv("TMPDIR", other)
			if got := DefaultDir(); got != want {
				t.Errorf("%q, %q: %s", mpx, other, got)
			}
		}
	}
	noError(t, os.WriteFile(dir+"/file", nil, 0o600))
	for memory, want := range map[string]string{dir: dir, dir + "/none": "/tmp", dir + "/file": "/tmp"} {
		if got := ownDir(memory, "/tmp"); got != want+name {
			t.Errorf("%s: %s", memory, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "A-b_c.9": true, "-": true, strings.Repeat("x", 100): true,
		"": false, ".": false, "..": false, ".a": false, "a/b": false, "a b": false, "ä": false, "a\n": false,
		strings.Repeat("x", 101): false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	d := testDir(t)
	if o, err := d.Open("../x", 0); err == nil {
		t.Error("opened", o.Name)
	}
	if _, err := d.MakeValue("../x", I8, 0); err == nil {
		t.Error("made ../x")
	}
}

func TestNames(t *testing.T) {
	d := testDir(t)
	for _, n := range []string{"b", "a"} {
		v, err := d.MakeValue(n, I8, 0)
		if err != nil {
			t.Fatal(err)
		}
		v.Close()
	}
	for _, err := range []error{os.WriteFile(d.file(".hidden"), nil, 0o600), os.Mkdir(d.file("dir"), 0o700), os.Symlink("a", d.file("link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, err := d.Names(); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// A name that is taken by anything else is an error, whatever it is, and no wait
// and no fault.
func TestDamagedObjects(t *testing.T) {
	d := testDir(t)
	good := func(name string) []byte {
		v, err := d.MakeValue(name, I8, 0)
		if err != nil {
			t.Fatal(err)
		}
		v.Close()
		b, err := os.ReadFile(d.file(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}("good")
	with := func(at int, b ...byte) []byte {
		c := slices.Clone(good)
		copy(c[at:], b)
		return c
	}
	for name, content := range map[string][]byte{
		"empty": {}, "short": good[:63], "cut": good[:4096], "longer": append(slices.Clone(good), 0),
		"magic": with(0, 'x'), "type": with(64, 11), "typeless": with(64, 0), "text": []byte(strings.Repeat("hello\n", 5000)),
	} {
		if err := os.WriteFile(d.file(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	t.Chdir(d.Path()) // a socket's path is short
	for _, err := range []error{
		unix.Mkfifo(d.file("fifo"), 0o600), os.Mkdir(d.file("dir"), 0o700), os.Symlink("good", d.file("link")),
		unix.Bind(socket, &unix.SockaddrUnix{Name: "socket"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"empty", "short", "cut", "longer", "magic", "type", "typeless", "text", "fifo", "dir", "link", "socket"} {
		if v, err := d.OpenValue(name); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		if _, err := d.MakeValue(name, I8, 0); !errors.Is(err, ErrExists) {
			t.Errorf("make %s: %v", name, err)
		}
	}
	if err := os.WriteFile(d.file("version"), with(4, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "another version of mpx (format 1, this one's is 2): " + d.file("version")
	if _, err := d.OpenValue("version"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("another version: %v", err)
	}
	if err := d.Remove("version"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("removed: %v", err)
	}
}

// An array whose length is not that of its file would be read beyond its end.
func TestDamagedArray(t *testing.T) {
	d := testDir(t)
	for _, length := range []uint64{0, 2, 4, 1 << 61, 1<<64 - 1} {
		a, err := d.MakeArray("a", I64, 3)
		if err != nil {
			t.Fatal(err)
		}
		a.uint64At(ownOffset + 8).Store(length)
		if _, err := d.OpenArray("a"); !errors.Is(err, ErrDamaged) {
			t.Errorf("length %d: %v", length, err)
		}
		if err := errors.Join(a.Remove(), a.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestKindError(t *testing.T) {
	d := testDir(t)
	v, err := d.MakeValue("n", I8, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	_, err = d.OpenEvent("n")
	var kind *KindError
	if !errors.As(err, &kind) || err.Error() != "n is the name of a value, not of an event" {
		t.Error(err)
	}
}

// patch changes the file of name in place.
func patch(t *testing.T, d *Dir, name string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(d.file(name), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestOtherNamespace(t *testing.T) {
	d := testDir(t)
	v, err := d.MakeValue("n", I8, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, at := range []int64{40, 56} {
		was := le.Uint64(v.b[at:])
		patch(t, d, "n", at, le.AppendUint64(nil, was+1))
		if _, err := d.OpenValue("n"); !errors.Is(err, ErrNamespace) {
			t.Errorf("%d: %v", at, err)
		}
		if err := d.Remove("n"); !errors.Is(err, ErrNamespace) {
			t.Errorf("%d: removed: %v", at, err)
		}
		patch(t, d, "n", at, le.AppendUint64(nil, was))
	}
}

// What is left of an earlier run of the machine is nobody's: those who come upon it
// at the same time all have the one object that takes its place.
func TestStaleObject(t *testing.T) {
	d := testDir(t)
	for range 50 {
		old, err := d.OpenEvent("e")
		noError(t, err)
		patch(t, d, "e", 24, []byte("another boot id!"))
		notOpen(t, old.Object)
		events := make([]*Event, 8)
		var wg sync.WaitGroup
		for i := range events {
			wg.Go(func() {
				e, err := d.OpenEvent("e")
				if err != nil {
					t.Error(err)
				}
				events[i] = e
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		wantOneFile(t, d, events)
		if err := old.Remove(); !errors.Is(err, ErrRemoved) {
			t.Errorf("the old one: %v", err)
		}
		if err := errors.Join(events[0].Remove(), old.Close()); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			e.Close()
		}
	}
}

// notOpen has o be as if it were not open here.
func notOpen(t *testing.T, o *Object) {
	t.Helper()
	noError(t, o.lockByte(useByte, unix.F_UNLCK, false))
}

// What is of another boot of the machine as it is seen here, or no object any more, and is
// in use all the same, stays: by Open, by Remove, and by what looks for leftovers.
func TestStaleInUse(t *testing.T) {
	d := testDir(t)
	e, err := d.OpenEvent("e")
	noError(t, err)
	boot := slices.Clone(e.b[24:40])
	for name, wrong := range map[string]func(){
		"boot":  func() { patch(t, d, "e", 24, []byte("another boot id!")) },
		"magic": func() { patch(t, d, "e", 0, []byte("x")) },
	} {
		wrong()
		var used *InUseError
		_, err := d.Open("e", 0)
		if name == "magic" && !errors.Is(err, ErrDamaged) || name == "boot" && !errors.As(err, &used) {
			t.Errorf("%s: opened: %v", name, err)
		}
		if err := d.Remove("e"); !errors.As(err, &used) || !slices.Equal(used.PIDs, []int{os.Getpid()}) {
			t.Errorf("%s: removed: %v", name, err)
		}
		if !d.leftBehind(side{name: "none"}) || d.leftBehind(side{name: "e"}) {
			t.Errorf("%s: taken for a leftover", name)
		}
		if e.removed() {
			t.Fatalf("%s: it is gone", name)
		}
		patch(t, d, "e", 0, []byte("m"))
		patch(t, d, "e", 24, boot)
	}
	noError(t, e.Set())
	patch(t, d, "e", 24, []byte("another boot id!"))
	noError(t, e.Close())
	if err := d.Remove("e"); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	wantFiles(t, d)
}

// wantOneFile checks that all events are the one that has the name.
func wantOneFile(t *testing.T, d *Dir, events []*Event) {
	t.Helper()
	named, err := os.Stat(d.file(events[0].Name))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if st, err := e.f.Stat(); err != nil || !os.SameFile(st, named) {
			t.Fatalf("opener %d has another object: %v", i, err)
		}
	}
}

func init() { helpers["open"] = helpOpen }

// helpOpen opens the event of d that its argument names, once its stdin ends, and
// prints the number of its file.
func helpOpen(args []string) error {
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	e, err := eventOf(args)
	if err != nil {
		return err
	}
	defer e.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(e.f.Fd()), &st); err != nil {
		return err
	}
	_, err = fmt.Println(st.Ino)
	return err
}

func TestFirstUseByManyProcesses(t *testing.T) {
	d := testDir(t)
	gate, opened, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outs := make([]strings.Builder, 20)
	var cmds []*exec.Cmd
	for i := range outs {
		cmd := objectHelper(t, d, "open", "e")
		cmd.Stdin, cmd.Stdout = gate, &outs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	gate.Close()
	opened.Close()
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil || outs[i].String() != outs[0].String() {
			t.Errorf("process %d: %v, file %s, the first has %s", i, err, &outs[i], &outs[0])
		}
	}
}

// Who has an object open when its name is taken away notices; the name is free.
func TestRemoveWhileOpen(t *testing.T) {
	d := testDir(t)
	e, err := d.OpenEvent("e")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	waited := make(chan error)
	go func() { waited <- e.Wait(Wait{}) }()
	o, err := d.Open("e", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := o.Remove(); err != nil {
		t.Error(err)
	}
	if err := <-waited; !errors.Is(err, ErrRemoved) {
		t.Errorf("the waiter: %v", err)
	}
	other, err := d.OpenEvent("e")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := e.Remove(); !errors.Is(err, ErrRemoved) {
		t.Errorf("removed again: %v", err)
	}
	wantOneFile(t, d, []*Event{other})
}

// A full file system is an error when an object is made, and never a fault later.
func TestFullFileSystem(t *testing.T) {
	asRoot(t)
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=96k,mode=700"); err != nil {
		t.Skip("cannot mount a tmpfs: ", err)
	}
	defer func() {
		if err := unix.Unmount(mount, 0); err != nil {
			t.Error(err)
		}
	}()
	d, err := OpenDir(mount)
	if err != nil {
		t.Fatal(err)
	}
	var arrays []*Array
	for {
		a, err := d.MakeArray(fmt.Sprint("a", len(arrays)), U8, 10_000)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		if err != nil || len(arrays) > 10 {
			t.Fatal(err)
		}
		defer a.Close()
		arrays = append(arrays, a)
	}
	if len(arrays) == 0 {
		t.Error("none was made")
	}
	if names, err := d.Names(); len(names) != len(arrays) || err != nil {
		t.Errorf("%q are there, %v", names, err)
	}
	for _, a := range arrays {
		if err := a.Set(9_990, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10); err != nil {
			t.Error(err)
		}
	}
}

// A file that another program makes shorter is an error of every operation.
func TestTruncatedObjects(t *testing.T) {
	d := testDir(t)
	v, _ := d.MakeValue("v", I32, 1)
	a, _ := d.MakeArray("a", I16, 10)
	e, _ := d.OpenEvent("e")
	s, err := d.MakeSemaphore("s", 1, false)
	if v == nil || a == nil || e == nil || err != nil {
		t.Fatal(err)
	}
	for _, o := range []*Object{v.Object, a.Object, e.Object, s.Object} {
		defer o.Close()
		if err := os.Truncate(d.file(o.Name), 0); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range map[string]func() error{
		"get":     func() error { _, err := v.Get(); return err },
		"set":     func() error { return v.Set(1) },
		"add":     func() error { _, err := v.Add(Delta{}); return err },
		"cas":     func() error { _, _, err := v.Swap(1, 2); return err },
		"items":   func() error { _, err := a.Get(0, 10); return err },
		"item":    func() error { return a.Set(0, 1) },
		"isset":   func() error { _, err := e.IsSet(); return err },
		"setting": e.Set, "clear": e.Clear,
		"wait":    func() error { return e.Wait(Wait{}) },
		"acquire": func() error { return s.Acquire(Wait{}) },
		"release": s.Release,
		"value":   func() error { _, err := s.Value(); return err },
		"parties": func() error { _, err := e.Parties(); return err },
	} {
		if err := f(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v.Made().IsZero() || v.Type() != I32 || a.Type() != I16 {
		t.Error("what was read when it was opened is gone")
	}
}
