package proc

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRunning(t *testing.T) {
	if n, err := Running(); n < 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for text, want := range map[string]int{
		"0.20 0.18 0.12 1/80 11206\n": 0, "9.9 9 9 25/3000 7": 24, "0 0 0 0/1 2": 0,
		"": -1, "0.2 0.1 0.1": -1, "0 0 0 x/80 1": -1, "0 0 0 /80 1": -1,
	} {
		if n, err := parseLoadavg(text); (err == nil) != (want >= 0) || err == nil && n != want {
			t.Errorf("%q: %d, %v; want %d", text, n, err, want)
		}
	}
}

func TestMemoryFree(t *testing.T) {
	if n, err := MemoryFree(); n <= 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for text, want := range map[string]int64{
		"MemTotal:  16 kB\nMemFree: 4 kB\nMemAvailable:      12 kB\nBuffers: 0 kB\n": 12 << 10,
		"MemAvailable: 0 kB": 0,
		"MemFree: 4 kB\n":    -1, "MemAvailable: 4 MB\n": -1, "MemAvailable: x kB\n": -1, "MemAvailable: -1 kB": -1, "": -1,
	} {
		if n, err := parseMeminfo(text); (err == nil) != (want >= 0) || err == nil && n != want {
			t.Errorf("%q: %d, %v; want %d", text, n, err, want)
		}
	}
}

const (
	tmpfs   = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	unified = "24 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	cpu     = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
	memory  = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	docker  = "35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory\n"
)

func TestMemoryGroups(t *testing.T) {
	for _, tt := range []struct {
		name, groups, mounts string
		want                 []cgroup
	}{
		{"none", "", "", nil},
		{"version 2", "0::/user.slice/a:b\n", unified, []cgroup{
			{"/sys/fs/cgroup/user.slice/a:b", false}, {"/sys/fs/cgroup/user.slice", false}, {"/sys/fs/cgroup", false},
		}},
		{"version 2, at its root", "0::/\n", unified, []cgroup{{"/sys/fs/cgroup", false}}},
		{"version 1", "5:cpu,cpuacct:/x\n4:hugetlb,memory:/p/q\n0::/\n", tmpfs + cpu + memory, []cgroup{
			{"/sys/fs/cgroup/memory/p/q", true}, {"/sys/fs/cgroup/memory/p", true}, {"/sys/fs/cgroup/memory", true},
		}},
		{"version 1 in a container", "4:memory:/docker/1f/sub\n", docker, []cgroup{
			{"/sys/fs/cgroup/memory/sub", true}, {"/sys/fs/cgroup/memory", true},
		}},
		{"a container's own", "4:memory:/docker/1f\n", docker, []cgroup{{"/sys/fs/cgroup/memory", true}}},
		{"not below what is mounted", "4:memory:/docker/1fa\n", docker, []cgroup{{"/sys/fs/cgroup/memory", true}}},
		{"outside the namespace", "0::/../other\n", unified, []cgroup{{"/sys/fs/cgroup", false}}},
		{"without memory", "5:cpu,cpuacct:/x\n", cpu, nil},
		{"not mounted", "4:memory:/p\n", tmpfs, nil},
	} {
		if got := cgroupsOf(tt.groups, tt.mounts); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestGroupFree(t *testing.T) {
	for _, tt := range []struct {
		name  string
		v1    bool
		files map[string]string
		want  int64 // -1: no limit
	}{
		{"no controller", false, nil, -1},
		{"no limit", false, map[string]string{"memory.max": "max\n", "memory.current": "5\n"}, -1},
		{"limit", false, map[string]string{"memory.max": "100\n", "memory.current": "70\n"}, 30},
		{"files", false, map[string]string{
			"memory.max": "100\n", "memory.current": "99\n",
			"memory.stat": "anon 29\nactive_file 20\ninactive_file 50\nworkingset_refault_file 7\n",
		}, 71},
		{"over", false, map[string]string{"memory.max": "100\n", "memory.current": "101\n"}, 0},
		{"version 1", true, map[string]string{
			"memory.limit_in_bytes": "100\n", "memory.usage_in_bytes": "90\n",
			"memory.stat": "active_file 1\ntotal_active_file 10\ntotal_inactive_file 30\n",
		}, 50},
		{"version 1's no limit", true, map[string]string{
			"memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "12\n",
		}, 9223372036854771700},
	} {
		dir := t.TempDir()
		for name, text := range tt.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if n, ok := (cgroup{dir, tt.v1}).free(); ok != (tt.want >= 0) || ok && n != tt.want {
			t.Errorf("%s: %d, %v; want %d", tt.name, n, ok, tt.want)
		}
	}
}

// Whatever the kernel may come to write: no panic, no nonsense.
func FuzzMachine(f *testing.F) {
	f.Add("0.20 0.18 0.12 1/80 11206\n", "4:memory:/p/q\n0::/\n", memory)
	f.Add("MemAvailable: 12 kB\n", "0::/user.slice\n", unified)
	f.Add("active_file 12\n", "4:memory:/docker/1f/../x\n", docker)
	f.Fuzz(func(t *testing.T, text, groups, mounts string) {
		if n, err := parseLoadavg(text); n < 0 || err != nil && n != 0 {
			t.Errorf("load of %q: %d, %v", text, n, err)
		}
		if n, err := parseMeminfo(text); n < 0 || err != nil && n != 0 {
			t.Errorf("memory of %q: %d, %v", text, n, err)
		}
		if n := parseMemoryStat(text, "active_file"); n < 0 {
			t.Errorf("files of %q: %d", text, n)
		}
		for _, g := range cgroupsOf(groups, mounts) {
			if !filepath.IsAbs(g.dir) || g.dir != filepath.Clean(g.dir) {
				t.Errorf("%q in %q: %q", groups, mounts, g.dir)
			}
		}
	})
}
