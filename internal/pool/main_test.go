package pool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"mpx/internal/ipc"
	"mpx/internal/worker"
)

// The test binary is every process of these tests: the supervisor, its workers
// and, as supervisorArg, a supervisor that is to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ipc.WorkerArg {
		hinder()
		os.Exit(worker.Main(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == supervisorArg {
		os.Exit(littleSupervisor(os.Args[2:]))
	}
	os.Exit(supervised(m))
}

// Names of variables by which a test keeps its workers from coming to life.
const (
	holdEnv = "MPX_TEST_HOLD" // a FIFO to read from first
	dieEnv  = "MPX_TEST_DIE"  // the status to leave with at once
)

func hinder() {
	if path := os.Getenv(holdEnv); path != "" {
		f, err := os.Open(path)
		if err == nil {
			_, _ = f.Read(make([]byte, 1))
		}
	}
	if os.Getenv(dieEnv) != "" {
		os.Exit(3)
	}
}

// supervised runs the tests and then asserts that nothing is left of them: no
// child, no open file, nothing in TMPDIR, no race that a worker has seen.
func supervised(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pool-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, "tmp")
	races := filepath.Join(dir, "race")
	for _, err := range []error{
		os.Mkdir(tmp, 0o700),
		os.Setenv("TMPDIR", tmp),
		os.Setenv("GORACE", "atexit_sleep_ms=0 log_path="+races), // workers' alone
	} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	warmUp()
	files := openFiles()
	code := m.Run()
	for _, check := range []func() error{
		noChildren,
		func() error { return sameFiles(files) },
		func() error { return isEmpty(tmp) },
		func() error { return noRaces(races) },
	} {
		if err := check(); err != nil {
			fmt.Fprintln(os.Stderr, "FAIL: after all tests:", err)
			code = 1
		}
	}
	return code
}

// warmUp has the runtime open what it keeps.
func warmUp() {
	r, w, err := os.Pipe()
	if err == nil {
		r.Close()
		w.Close()
	}
}

// noChildren waits for the children that are just leaving.
func noChildren() error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return nil
		case pid == 0 && time.Now().After(end):
			return fmt.Errorf("processes left: %s", strings.Join(describe(children()), "; "))
		}
	}
}

func describe(pids []int) (all []string) {
	for _, pid := range pids {
		cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		all = append(all, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(cmd, []byte{0}, []byte{' '})))
	}
	return all
}

// openFiles maps descriptors to what they are.
func openFiles() map[string]string {
	all, _ := filepath.Glob("/proc/self/fd/*")
	m := map[string]string{}
	for _, f := range all {
		if to, err := os.Readlink(f); err == nil {
			m[f] = to
		}
	}
	return m
}

func sameFiles(before map[string]string) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		now := openFiles()
		if len(now) == len(before) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("open files: before %v, now %v", before, now)
		}
		runtime.GC() // a file that is only to be collected is no leak
	}
}

func isEmpty(dir string) error {
	all, err := os.ReadDir(dir)
	if err == nil && len(all) > 0 {
		err = fmt.Errorf("in TMPDIR: %v", all)
	}
	return err
}

func noRaces(prefix string) error {
	logs, err := filepath.Glob(prefix + "*")
	if err != nil || len(logs) == 0 {
		return err
	}
	b, err := os.ReadFile(logs[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("%d workers saw races, the first:\n%s", len(logs), b)
}
