package pool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"mpx/internal/pool"
	"mpx/internal/proc"
	"mpx/internal/task"
)

// supervisorArg makes the test binary a supervisor that a test kills. The
// arguments that follow are the initializer, or "", and the script of its
// tasks.
const supervisorArg = "__supervisor"

// limitEnv names the variable that gives that supervisor a limit on memory.
const limitEnv = "MPX_TEST_LIMIT"

func littleSupervisor(args []string) int {
	cfg := shell(args[1])
	if args[0] != "" {
		cfg.Initializer = []string{"sh", "-c", args[0]}
	}
	cfg.Jobs = 3
	cfg.LimitMemory, _ = strconv.ParseInt(os.Getenv(limitEnv), 10, 64)
	p, err := pool.New(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, err = p.Map(make([]task.Values, 30))
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// F10, the death chain: when the supervisor is killed nothing of the pool
// lives on, whatever it was doing.
func TestSupervisorKilled(t *testing.T) {
	for _, c := range []struct{ name, init, script string }{
		{"tasks with children", "", "HELLO sleep 99 & sleep 99"},
		{"tasks that ignore all", "", "trap '' TERM HUP INT\nHELLO sleep 99 & sleep 99"},
		{"orphans", "", "(setsid sleep 99 &)\nHELLO setsid sleep 99"},
		{"initializer", "HELLO sleep 99 & sleep 99", ""},
		{"output", "", "HELLO exec yes"},
		{"left", "", "sleep 0.1 & sleep 99 &\nHELLO exit 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			mark := fmt.Sprintf("MPX_TEST_MARK=%d-%d", os.Getpid(), time.Now().UnixNano())
			fill := func(x string) string { return string(bytes.ReplaceAll([]byte(x), []byte("HELLO"), []byte(s.hello))) }
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			pid, pidfd, err := proc.Start(&proc.Spec{
				Path: "/proc/self/exe", Argv: []string{os.Args[0], supervisorArg, fill(c.init), fill(c.script)},
				Env:   append(os.Environ(), mark),
				Files: [3]int{int(null.Fd()), int(null.Fd()), 2}, Session: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(pidfd)
			for range 3 {
				s.await()
			}
			kill(t, pid)
			_, _ = syscall.Wait4(pid, nil, 0, nil) // unless a pool has reaped it
			t.Cleanup(func() {
				for _, pid := range marked(mark) {
					t.Errorf("it lives: %s", describe([]int{pid}))
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				reapOrphans()
			})
			eventually(t, "its processes are gone", func() bool {
				if c.name == "left" {
					killLeft(mark)
				}
				return len(marked(mark)) == 0
			})
		})
	}
}

// killLeft ends what finished tasks have left: that is nobody's, and lives on. More of
// it may be about to come.
func killLeft(mark string) {
	for _, pid := range marked(mark) {
		cmd := describe([]int{pid})[0]
		// A fork that its worker has stopped just before it was killed itself
		// still looks like the task.
		st, err := proc.ReadStat(pid)
		if bytes.HasSuffix([]byte(cmd), []byte("sleep 99 ")) || err == nil && st.State == 'T' {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// marked returns the live processes with mark in their environment.
func marked(mark string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte(mark+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// reapOrphans takes the statuses of what has come to this process, a subreaper,
// and has ended.
func reapOrphans() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}
