package proc

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A cgroup is the directory of one, in which memory may be limited.
type cgroup struct {
	dir string
	v1  bool
}

// ownGroups returns the memory cgroups of this process, from its own up. They
// are looked for once: that takes longer than to ask them, and processes are
// rarely moved.
var ownGroups = sync.OnceValue(func() []cgroup {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	return cgroupsOf(string(groups), string(mounts))
})

// cgroupsOf returns the directories that /proc/self/cgroup, together with
// /proc/self/mountinfo, names.
func cgroupsOf(groups, mounts string) (all []cgroup) {
	for line := range strings.Lines(mounts) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		path, ok := groupPath(groups, m.v1)
		if !ok {
			continue
		}
		dir, below := strings.CutPrefix(path, strings.TrimSuffix(m.root, "/"))
		if !below || dir != "" && dir[0] != '/' || strings.Contains(dir, "/..") {
			dir = "" // not to be seen from here, but those above it are
		}
		for dir = filepath.Join(m.at, dir); ; dir = filepath.Dir(dir) {
			all = append(all, cgroup{dir, m.v1})
			if len(dir) <= len(m.at) {
				break
			}
		}
	}
	return all
}

// A groupMount is where a hierarchy of cgroups that may limit memory is mounted.
type groupMount struct {
	root, at string // the cgroup that is to be seen, and where
	v1       bool
}

// parseMount reads a line of mountinfo, see proc_pid_mountinfo(5).
func parseMount(line string) (m groupMount, ok bool) {
	f := strings.Fields(line)
	sep := slices.Index(f, "-")
	if sep < 6 || len(f) < sep+4 || !strings.HasPrefix(f[4], "/") {
		return m, false
	}
	m = groupMount{root: f[3], at: filepath.Clean(f[4]), v1: f[sep+1] == "cgroup"}
	limits := f[sep+1] == "cgroup2" || m.v1 && slices.Contains(strings.Split(f[sep+3], ","), "memory")
	return m, limits
}

// groupPath returns the process's own cgroup, see cgroups(7): "4:memory:/path",
// or "0::/path" of version 2.
func groupPath(groups string, v1 bool) (string, bool) {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) < 3 || !strings.HasPrefix(f[2], "/") {
			continue
		}
		if v1 && slices.Contains(strings.Split(f[1], ","), "memory") || !v1 && f[0] == "0" && f[1] == "" {
			return f[2], true
		}
	}
	return "", false
}

// free returns how many bytes are left to g; ok is false if it has no limit.
// What it uses includes the files that the kernel has read ahead or keeps:
// they count as free, as in MemAvailable, or a group that has read as much as
// its limit would seem full for ever.
func (g cgroup) free() (n int64, ok bool) {
	limit, usage, stat := "memory.max", "memory.current", ""
	if g.v1 {
		limit, usage, stat = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
	}
	most, err1 := readNumber(filepath.Join(g.dir, limit)) // "max" is none
	used, err2 := readNumber(filepath.Join(g.dir, usage))
	if err1 != nil || err2 != nil {
		return 0, false
	}
	b, _ := os.ReadFile(filepath.Join(g.dir, "memory.stat"))
	files := parseMemoryStat(string(b), stat+"active_file") + parseMemoryStat(string(b), stat+"inactive_file")
	return max(0, most-max(0, used-files)), true
}

func readNumber(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}

// parseMemoryStat returns the value of name in a memory.stat, in bytes; 0 if it
// is not there.
func parseMemoryStat(text, name string) int64 {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return max(0, n)
		}
	}
	return 0
}
