package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"mpx/internal/shm"

	"github.com/rogpeppe/go-internal/testscript"
)

var scripts atomic.Int64

// setupScript gives a script the marker by which its processes are known, the
// directories of what it tries, and a TMPDIR, and checks at its end that nothing of it is left.
func setupScript(env *testscript.Env) error {
	id := fmt.Sprintf("%d-%d", os.Getpid(), scripts.Add(1))
	env.Setenv("MPX_TEST_ID", id)
	tmp := filepath.Join(env.WorkDir, "tmp")
	if err := os.MkdirAll(tmp, 0o777); err != nil {
		return err
	}
	env.Setenv("TMPDIR", tmp)
	env.Setenv("HOME", env.WorkDir)
	for name, dir := range map[string]string{"DOCS": "../../docs", "EXAMPLES": "../../examples"} {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		env.Setenv(name, abs)
	}
	env.Setenv("MPX_DIR", filepath.Join(env.WorkDir, "objects")) // which shared objects make
	env.Setenv("LC_ALL", "C.UTF-8")
	env.Setenv("MPX_PROGRESS", "never") // a slow machine makes any run worth a summary
	env.Setenv("GORACE", os.Getenv("GORACE"))
	env.Values[signalled{}] = &signalled{}
	env.Defer(func() {
		left := leftProcesses("MPX_TEST_ID="+id, env.WorkDir)
		left = append(left, leftObjects(filepath.Join(env.WorkDir, "objects"))...)
		files, err := os.ReadDir(tmp)
		switch {
		case len(left) > 0:
			env.T().Fatal("left: ", strings.Join(left, "; "))
		case err == nil && len(files) > 0:
			env.T().Fatal("files left in TMPDIR: ", files)
		}
	})
	return nil
}

// leftObjects removes the objects of a script, and returns what is still there of them.
func leftObjects(dir string) (left []string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil // it had none
	}
	d, err := shm.OpenDir(dir)
	if err != nil {
		return []string{err.Error()}
	}
	for _, f := range files {
		if f.Name()[0] == '.' {
			continue // what belongs to an object goes with it
		}
		if err := d.Remove(f.Name()); err != nil {
			left = append(left, fmt.Sprint(f.Name(), ": ", err))
		}
	}
	files, err = os.ReadDir(dir)
	if err != nil || len(files) > 0 {
		left = append(left, fmt.Sprint("files of shared objects: ", files, err))
	}
	return left
}

// leftProcesses returns the processes that have mark in their environment, or
// work as their directory, and do not go. It ends them.
func leftProcesses(mark, work string) (left []string) {
	within(patience, func() bool {
		left = nil
		forProcesses(mark, work, func(pid int, cmdline string) {
			left = append(left, fmt.Sprintf("%d %s", pid, cmdline))
		})
		return len(left) == 0
	})
	forProcesses(mark, work, func(pid int, _ string) { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return left
}

func forProcesses(mark, work string, f func(pid int, cmdline string)) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		env, _ := os.ReadFile(dir + "/environ")
		cwd, _ := os.Readlink(dir + "/cwd")
		marked := bytes.Contains(append([]byte{0}, env...), []byte("\x00"+mark+"\x00"))
		if marked || cwd == work || strings.HasPrefix(cwd, work+"/") {
			cmdline, _ := os.ReadFile(dir + "/cmdline")
			f(pid, strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
}
