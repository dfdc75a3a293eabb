package shm

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helperVar, when set, makes the test binary a helper: its value names it.
const helperVar = "MPX_SHM_TEST_HELPER"

// helpers are the other processes of the tests. An error is printed and gives
// exit status 1.
var helpers = map[string]func(args []string) error{
	"show":    helpShow,
	"write":   helpWrite,
	"barrier": helpBarrier,
	"cond":    helpCond,
	"ring":    helpRing,
}

var usedHelpers sync.Map

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVar); name != "" {
		if err := helpers[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	for _, what := range leftOver() {
		fmt.Fprintln(os.Stderr, what)
		code = 1
	}
	os.Exit(code)
}

// leftOver names the children, shared memory and helpers of no use that the
// tests have left.
func leftOver() (left []string) {
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		left = append(left, "a child is left")
	}
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		if to, _ := os.Readlink(fd); strings.Contains(to, "/memfd:") {
			left = append(left, fd+" is left open: "+to)
		}
	}
	if maps, err := os.ReadFile("/proc/self/maps"); err != nil || strings.Contains(string(maps), "/memfd:") {
		left = append(left, fmt.Sprint("shared memory is left mapped ", err))
	}
	for name := range helpers {
		if _, used := usedHelpers.Load(name); !used && allTestsRan() {
			left = append(left, "no test uses helper "+name)
		}
	}
	return left
}

func allTestsRan() bool {
	for _, f := range []string{"run", "skip", "list", "fuzz"} {
		if flag.Lookup("test."+f).Value.String() != "" {
			return false
		}
	}
	return true
}

// helper returns the command that runs helper name with the board behind f as
// its descriptor 3.
func helper(t *testing.T, f *os.File, name string, args ...string) *exec.Cmd {
	t.Helper()
	usedHelpers.Store(name, true)
	cmd := exec.Command("/proc/self/exe", args...)
	// The race detector's exit would else take a second.
	cmd.Env = append(os.Environ(), helperVar+"="+name, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stderr = os.Stderr
	return cmd
}

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// board returns a board that is closed when the test ends, and its file.
func board(t *testing.T) (*Board, *os.File) {
	t.Helper()
	b, f, err := CreateBoard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return b, f
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
