package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A server is a jobserver of the test's own, as make would make it.
type server struct {
	auth string
	r, w int
}

// servers are one of each style.
func servers(t *testing.T) map[string]server {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil { // for children to inherit, as make's is
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range []int{fds[0], fds[1], fd} {
			unix.Close(fd)
		}
	})
	return map[string]server{
		"pipe": {fmt.Sprintf("%d,%d", fds[0], fds[1]), fds[0], fds[1]},
		"fifo": {"fifo:" + path, fd, fd},
	}
}

func (s server) put(t *testing.T, tokens string) {
	t.Helper()
	if _, err := unix.Write(s.w, []byte(tokens)); err != nil {
		t.Fatal(err)
	}
}

// all takes every token that is free.
func (s server) all(t *testing.T) string {
	t.Helper()
	n, err := unix.IoctlGetInt(s.r, unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	if n > 0 {
		if _, err := unix.Read(s.r, b); err != nil {
			t.Fatal(err)
		}
	}
	return string(b)
}

func TestJobserver(t *testing.T) {
	for name, s := range servers(t) {
		auth, err := FindJobserver(" -j3 --jobserver-auth=" + s.auth + " -- A=b")
		if auth != s.auth || err != nil {
			t.Fatalf("%s: found %q, %v; want %q", name, auth, err, s.auth)
		}
		j, err := OpenJobserver(auth)
		if err != nil {
			t.Fatal(err)
		}
		token := make([]byte, 1)
		if ok, err := j.Take(token); ok || err != nil {
			t.Errorf("%s: none free: %v, %v", name, ok, err)
		}
		s.put(t, "a\x00")
		for _, want := range "a\x00" {
			if n, err := SlowPoll([]unix.PollFd{{Fd: int32(j.FD()), Events: unix.POLLIN}}, patience); n != 1 || err != nil {
				t.Errorf("%s: a free token is not seen: %d, %v", name, n, err)
			}
			if ok, err := j.Take(token); !ok || err != nil || token[0] != byte(want) {
				t.Errorf("%s: took %q, %v, %v; want %q", name, token, ok, err, want)
			}
		}
		if ok, err := j.Take(token); ok || err != nil {
			t.Errorf("%s: none left: %v, %v", name, ok, err)
		}
		for _, token := range []byte("\x00a") {
			if err := j.Give(token); err != nil {
				t.Error(err)
			}
		}
		if got := s.all(t); got != "\x00a" {
			t.Errorf("%s: given back %q", name, got)
		}
		for _, fd := range []int{s.r, s.w} {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
				t.Errorf("%s: make's own is not blocking any more: %#x, %v", name, flags, err)
			}
		}
		j.Close()
	}
}

func TestFindJobserver(t *testing.T) {
	all := servers(t)
	pipe, fifo := all["pipe"], all["fifo"]
	regular := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(regular, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := os.Open(regular)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	r, w, err := os.Pipe() // this program's own
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, tt := range []struct{ flags, auth, err string }{
		{"", "", ""},
		{"kw", "", ""},
		{" -j3 -- X=1\\ --jobserver-auth=9,9", "", ""},
		{"k -j3 --jobserver-auth=" + pipe.auth, pipe.auth, ""},
		{" -j3 --jobserver-fds=" + pipe.auth, pipe.auth, ""},
		{"--jobserver-fds=9,9 --jobserver-auth=" + fifo.auth, fifo.auth, ""},
		{"--jobserver-auth=fifo:/no/such --jobserver-fds=" + pipe.auth, pipe.auth, ""},
		{"--jobserver-auth=" + pipe.auth + " -- --jobserver-auth=9,9", pipe.auth, ""},

		{"--jobserver-auth=-2,-2", "", "must begin with +"},
		{"--jobserver-auth=998,999", "", "(998,999) are closed"},
		{fmt.Sprintf("--jobserver-auth=%d,%d", pipe.r, own.Fd()), "", "must begin with +"},
		{fmt.Sprintf("--jobserver-auth=%d,%d", r.Fd(), w.Fd()), "", "must begin with +"},
		{"--jobserver-auth=x", "", `neither R,W nor fifo:PATH: "x"`},
		{"--jobserver-auth=3", "", "neither R,W nor fifo:PATH"},
		{"--jobserver-auth=fifo:/no/such", "", "/no/such: no such file"},
		{"--jobserver-auth=fifo:" + regular, "", "neither a pipe nor a FIFO"},
	} {
		auth, err := FindJobserver(tt.flags)
		if auth != tt.auth || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %q, %v; want %q, %s", tt.flags, auth, err, tt.auth, tt.err)
		}
	}
	for flags, want := range map[string]int{
		"": 0, "k": 0, " -j3 --jobserver-auth=3,4": 3, "k -j12": 12, "-j": 0, "-jx": 0, "-j-4": 0, "-j2 -j5": 5, " -- A=\\ -j3": 0,
	} {
		if got := MakeJobs(flags); got != want {
			t.Errorf("MakeJobs(%q) = %d, want %d", flags, got, want)
		}
	}
}

// helpClient takes all tokens that make has, says how many and gives them back.
func helpClient([]string) error {
	flags := os.Getenv("MAKEFLAGS")
	auth, err := FindJobserver(flags)
	if err != nil || auth == "" {
		fmt.Printf("none: %v\n", err)
		return nil
	}
	j, err := OpenJobserver(auth)
	if err != nil {
		return err
	}
	defer j.Close()
	var held []byte
	for token := make([]byte, 1); ; held = append(held, token[0]) {
		if ok, err := j.Take(token); err != nil || !ok {
			fmt.Printf("held: %d of -j%d\n", len(held), MakeJobs(flags))
			break
		}
	}
	for _, token := range held {
		if err := j.Give(token); err != nil {
			return err
		}
	}
	return nil
}

// The real make: of its three jobs the recipe itself is one. make counts its
// tokens in the end, and says so if one is amiss.
func TestMake(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	usedHelpers.Store("client", true)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for recipe, want := range map[string]string{
		"+@'" + self + "'":                 "held: 2 of -j3\n",
		"+@'" + self + "'; '" + self + "'": "held: 2 of -j3\nheld: 2 of -j3\n",
		"@'" + self + "'":                  "must begin with + (or use $(MAKE))\n",
	} {
		file := filepath.Join(t.TempDir(), "Makefile")
		if err := os.WriteFile(file, []byte("all:\n\t"+recipe+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "make", "-j3", "-f", file)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") })
		cmd.Env = append(cmd.Env, helperVar+"=client", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), want) {
			t.Errorf("%s: %v, %q; want %q", recipe, err, out, want)
		}
	}
}
