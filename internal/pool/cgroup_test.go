package pool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"mpx/internal/pool"
	"mpx/internal/proc"
	"mpx/internal/task"
)

// limited is cfg with tasks in memory groups, made in own. The test is skipped
// where there can be none, and fails if one is left.
func limited(t *testing.T, cfg pool.Config) (_ pool.Config, own string) {
	t.Helper()
	m, err := proc.OpenMemoryGroups()
	if err != nil {
		t.Skip(err)
	}
	defer m.Close()
	dir, err := m.Make(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := proc.RemoveMemoryGroup(dir, true); err != nil {
		t.Error(err)
	}
	own = filepath.Dir(dir)
	t.Cleanup(func() {
		if left := groupsOf(own, os.Getpid()); len(left) > 0 {
			t.Errorf("groups left: %v", left)
		}
	})
	cfg.LimitMemory = 48 << 20
	return cfg, own
}

// groupsOf returns the groups in own of process pid.
func groupsOf(own string, pid int) []string {
	all, _ := filepath.Glob(fmt.Sprintf("%s/mpx-%d-*", own, pid))
	return all
}

const notOver, overLimit = "", "over its --limit-memory of 48M"

// A task over the limit is killed and says why, and the next is as before, on
// the same worker.
func TestLimitMemory(t *testing.T) {
	cfg, _ := limited(t, shell(`dd bs="$1" count=1 if=/dev/zero of=/dev/null 2>/dev/null`))
	cfg.Jobs = 1
	p := start(t, cfg)
	for i, r := range mapAll(t, p, "1K", "100M", "1K", "40M") {
		want := [...]string{notOver, overLimit, notOver, notOver}[i]
		if (r.Status == task.Signalled) != (want != "") || r.Note != want || (r.Hint != "") != (want != "") || r.Worker != 1 {
			t.Errorf("task %d on worker %d: %s, note %q, hint %q", i, r.Worker, r.Status, r.Note, r.Hint)
		}
		if small := i%2 == 0; small != (r.Usage.MaxRSS < 3<<20) {
			t.Errorf("task %d: maxrss %d", i, r.Usage.MaxRSS)
		}
	}
	p.Close()
	join(t, p)
}

// Workers come and go with their groups.
func TestMemoryGroupAWorker(t *testing.T) {
	cfg, _ := limited(t, shell("cat /proc/self/cgroup"))
	cfg.MaxTasksPerChild = 2
	p := start(t, cfg)
	seen := map[string][]int{}
	for _, r := range mapAll(t, p, numbers(20)...) {
		_, name, _ := strings.Cut(stdout(t, &r), "/mpx-")
		name, _, _ = strings.Cut(name, "\n")
		seen[name] = append(seen[name], r.Worker)
	}
	for name, by := range seen {
		if !strings.HasPrefix(name, strconv.Itoa(os.Getpid())+"-") || len(by) > 2 || by[0] != by[len(by)-1] {
			t.Errorf("in mpx-%s: workers %v", name, by)
		}
	}
	p.Close()
	join(t, p)
}

// What finished tasks leave running lives on outside the group, which goes.
func TestMemoryGroupLeftovers(t *testing.T) {
	for _, leave := range []string{"sleep 99", "setsid sleep 30"} {
		cfg, _ := limited(t, shell(leave+" >/dev/null 2>&1 & echo $! >&2"))
		p := start(t, cfg)
		r := apply(t, p)
		pid := left(t, &r)
		p.Close()
		join(t, p)
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)); err != nil || !lives(pid) || strings.Contains(string(b), "/mpx-") {
			t.Errorf("%s: %q, %v", leave, b, err)
		}
	}
}

// A killed worker's task goes with all that is in its group, though finished
// tasks have left processes and nothing else tells its own from those.
func TestMemoryGroupOfKilledWorker(t *testing.T) {
	s, orphan := newStage(t), newStage(t)
	cfg, _ := limited(t, shell(`test "$1" = leave && { sleep 99 >/dev/null 2>&1 & echo $! >&2; exit; }
env -i PATH=$PATH setsid sh -c 'echo 0 0 0 $$ >`+orphan.path()+`; sleep 99; :' &
`+s.hello+s.hold))
	p := start(t, cfg)
	r := apply(t, p, "leave")
	kept := left(t, &r)
	for range 5 {
		a := applyAsync(t, p, "x")
		o, b := orphan.await(), s.await()
		kill(t, b.worker)
		wantStatus(t, &get(t, a)[0], task.Lost)
		wantGone(t, o.pid, b.pid)
	}
	if !lives(kept) {
		t.Error("what a finished task left is dead")
	}
	p.Close()
	join(t, p)
}

// Workers are killed at any time: each task has its result, and no group stays.
func TestMemoryGroupsAndKills(t *testing.T) {
	cfg, _ := limited(t, shell("sleep 0.01 & setsid sleep 0.01 & wait"))
	cfg.RetryLost, cfg.Jobs, cfg.ChunkSize = 100, 3, 2
	kills, all := underFire(t, cfg, 120, 3)
	for i := range all {
		wantStatus(t, &all[i], task.OK)
	}
	t.Logf("%d workers killed", kills)
}

// The supervisor is killed at any time: its processes go, and the groups with
// them, by its workers or, where they had not heard of theirs yet, by the next
// pool that makes some.
func TestMemoryGroupsOfKilledSupervisor(t *testing.T) {
	cfg, own := limited(t, shell(":"))
	var pids []int
	for i := range 12 {
		mark := fmt.Sprintf("MPX_TEST_MARK=%d-limit-%d", os.Getpid(), i)
		begun, both := i%4, i >= 8 // tasks that run when it is killed; its workers are, too
		pid := supervisorUnderLimit(t, begun, mark)
		pids = append(pids, pid)
		all := []int{pid}
		if both {
			all = append(all, proc.Children(pid)...)
		}
		for _, p := range all {
			_ = syscall.Kill(p, syscall.SIGKILL)
		}
		_, _ = syscall.Wait4(pid, nil, 0, nil) // unless a pool has reaped it
		eventually(t, "its processes are gone", func() bool {
			if both { // what nobody is left to end
				killLeft(mark)
			}
			return len(marked(mark)) == 0
		})
		reapOrphans()
		if left := groupsOf(own, pid); begun == 3 && !both && len(left) > 0 {
			t.Errorf("left by workers: %v", left)
		}
	}
	p := start(t, cfg)
	apply(t, p)
	p.Close()
	join(t, p)
	for _, pid := range pids {
		if left := groupsOf(own, pid); len(left) > 0 {
			t.Errorf("left by all: %v", left)
		}
	}
}

// supervisorUnderLimit starts a supervisor with three workers and returns when
// so many tasks run.
func supervisorUnderLimit(t *testing.T, tasks int, mark string) int {
	t.Helper()
	s := newStage(t)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	pid, pidfd, err := proc.Start(&proc.Spec{
		Path: "/proc/self/exe", Argv: []string{os.Args[0], supervisorArg, "", s.hello + "setsid sleep 99 & sleep 99; :"},
		Env:   append(os.Environ(), mark, limitEnv+"=50000000"),
		Files: [3]int{int(null.Fd()), int(null.Fd()), 2}, Session: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(pidfd)
	for range tasks {
		s.await()
	}
	return pid
}
