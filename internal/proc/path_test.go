package proc

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, mode := range map[string]os.FileMode{
		"here": 0o755, "a/tool": 0o755, "b/tool": 0o755, "a/plain": 0o644, "b/plain": 0o755, "b/only": 0o644,
		"b/dir": 0o755, "b/sp ace": 0o755, "b/-n": 0o755,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"a/dir", "a/onlydir"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", "a/dangling"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir+"/b/tool", "a/link"); err != nil {
		t.Fatal(err)
	}
	a, b := dir+"/a", dir+"/b"
	for _, tt := range []struct {
		path, name, want string
		err              error
	}{
		{a + ":" + b, "tool", a + "/tool", nil},
		{b + ":" + a, "tool", b + "/tool", nil},
		{"a:b", "tool", "a/tool", nil},
		{a, "link", a + "/link", nil},
		{b, "sp ace", b + "/sp ace", nil},
		{b, "-n", b + "/-n", nil},

		// A name with a slash is itself, whether it exists or not.
		{a, "./tool", "./tool", nil},
		{a, "none/tool", "none/tool", nil},
		{a, "/", "/", nil},

		// An empty element is the current directory.
		{":" + a, "here", "./here", nil},
		{a + ":", "here", "./here", nil},
		{a + "::" + b, "here", "./here", nil},
		{"", "here", "./here", nil},
		{".", "here", "./here", nil},
		{a, "here", "", unix.ENOENT},

		// What cannot be executed is passed over, but remembered.
		{a + ":" + b, "plain", b + "/plain", nil},
		{b + ":" + a, "plain", b + "/plain", nil},
		{a, "plain", "", unix.EACCES},
		{b + ":" + a, "only", "", unix.EACCES},
		{a + ":" + b, "dir", b + "/dir", nil},
		{a, "onlydir", "", unix.ENOENT},
		{a, "dangling", "", unix.ENOENT},
		{dir + "/none:" + a, "tool", a + "/tool", nil},
		{a + "/tool:" + b, "tool", b + "/tool", nil},

		{a, "nosuch", "", unix.ENOENT},
		{a, "", "", unix.ENOENT},
		{a, ".", "", unix.ENOENT},
		{a, "..", "", unix.ENOENT},
		{a, "nul\x00", "", unix.ENOENT},
	} {
		t.Setenv("PATH", tt.path)
		if got, err := LookPath(tt.name); got != tt.want || err != tt.err {
			t.Errorf("PATH=%s: %q: %q, %v; want %q, %v", tt.path, tt.name, got, err, tt.want, tt.err)
		}
	}
	os.Unsetenv("PATH") // Setenv puts it back
	if got, err := LookPath("sh"); got != "/bin/sh" || err != nil {
		t.Errorf("no PATH: sh: %q, %v", got, err)
	}
	if got, err := LookPath("here"); err != unix.ENOENT {
		t.Errorf("no PATH: here: %q, %v", got, err)
	}
}
