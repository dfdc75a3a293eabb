package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// makeTokens are the tokens of these tests: which byte it is matters, as the
// one that was taken must come back.
const makeTokens = "+\x00x"

// A makeServer is a jobserver of the test's own, as make would make it.
type makeServer struct {
	t     *testing.T
	auth  string
	r, w  *os.File
	files []*os.File // for children, from descriptor 3 on
	dir   string
	mark  string // in the environment of all that runs below it
}

// makeServers are one of each style, each with makeTokens.
func makeServers(t *testing.T) map[string]*makeServer {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*makeServer{
		"pipe": {auth: "3,4", r: r, w: w, files: []*os.File{r, w}},
		"fifo": {auth: "fifo:" + path, r: f, w: f},
	}
	for _, s := range all {
		s.t, s.dir = t, t.TempDir()
		s.mark = fmt.Sprintf("MPX_TEST_ID=%d-%x", os.Getpid(), rand.Uint64())
		if _, err := s.w.WriteString(makeTokens); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.r.Close(); s.w.Close() })
	}
	return all
}

// command is mpx with args as a recipe of this make would run it.
func (s *makeServer) command(args ...string) *exec.Cmd {
	c := exec.Command("mpx", args...)
	c.Dir, c.ExtraFiles, c.Stderr = s.dir, s.files, os.Stderr
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") })
	c.Env = append(c.Env, s.mark, "MAKEFLAGS= -j8 --jobserver-auth="+s.auth, "MPX_PROGRESS=never")
	return c
}

// free returns how many tokens nobody holds.
func (s *makeServer) free() int {
	s.t.Helper()
	n, err := unix.IoctlGetInt(int(s.r.Fd()), unix.TIOCINQ)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// wantAll expects every token to be back, and nothing else, and leaves them
// there.
func (s *makeServer) wantAll(when string) {
	s.t.Helper()
	b := make([]byte, s.free())
	if len(b) > 0 {
		if _, err := s.r.Read(b); err != nil {
			s.t.Fatal(err)
		}
	}
	want := []byte(makeTokens)
	slices.Sort(want)
	if slices.Sort(b); !bytes.Equal(b, want) {
		s.t.Fatalf("%s: tokens %q, want %q", when, b, want)
	}
	if _, err := s.w.Write(b); err != nil {
		s.t.Fatal(err)
	}
}

// awaitGone waits until nothing lives that has run below s.
func (s *makeServer) awaitGone() {
	s.t.Helper()
	if left := leftProcesses(s.mark, s.dir); len(left) > 0 {
		s.t.Fatal("processes left: ", strings.Join(left, "; "))
	}
}

// exclusive is the beginning of a task that takes one of n places, which the
// kernel gives free when the last of its processes is dead: without one it says
// so in the file crowded.
func exclusive(n int) string {
	return fmt.Sprintf(`for place in $(seq %d) none; do
	test $place != none || { echo $MPX_SEQ >>crowded; break; }
	exec 9>>place$place
	flock -n 9 && break
done
`, n)
}

func (s *makeServer) wantNoCrowd(when string) {
	s.t.Helper()
	if b, err := os.ReadFile(filepath.Join(s.dir, "crowded")); err == nil {
		s.t.Fatalf("%s: more tasks than tokens allow; with the places taken began: %q", when, b)
	}
}
