package worker_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/worker"
)

// The test binary is the workers, too. Their supervisor is a test that speaks
// the protocol itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ipc.WorkerArg {
		os.Exit(worker.Main(os.Args[2:]))
	}
	os.Exit(supervised(m))
}

// supervised runs the tests and asserts that no child, no file in TMPDIR and no
// race that a worker has seen is left of them.
func supervised(m *testing.M) int {
	dir, err := os.MkdirTemp("", "worker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	tmp, races := filepath.Join(dir, "tmp"), filepath.Join(dir, "race")
	for _, err := range []error{
		os.Mkdir(tmp, 0o700),
		os.Setenv("TMPDIR", tmp),
		os.Setenv("GORACE", "atexit_sleep_ms=0 log_path="+races), // workers' alone
		proc.BecomeSubreaper(),
	} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := m.Run()
	left, _ := filepath.Glob(tmp + "/*")
	seen, _ := filepath.Glob(races + "*")
	for _, err := range []error{noChildren(), none("in TMPDIR", left), none("races seen by workers", seen)} {
		if err != nil {
			fmt.Fprintln(os.Stderr, "FAIL: after all tests:", err)
			code = 1
		}
	}
	return code
}

func none(what string, left []string) error {
	if len(left) == 0 {
		return nil
	}
	b, _ := os.ReadFile(left[0])
	return fmt.Errorf("%s: %v\n%s", what, left, b)
}

func noChildren() error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return nil
		case pid == 0 && time.Now().After(end):
			return fmt.Errorf("processes left: %v", proc.Children(os.Getpid()))
		}
	}
}
