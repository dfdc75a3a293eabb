package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Running returns how many threads of the machine run or could run now, other
// than the caller (proc_loadavg(5)).
func Running() (int, error) {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, fmt.Errorf("count what runs: %w", err)
	}
	return parseLoadavg(string(b))
}

// parseLoadavg reads the R of "0.20 0.18 0.12 R/T 11206".
func parseLoadavg(text string) (int, error) {
	f := strings.Fields(text)
	if len(f) < 4 {
		return 0, fmt.Errorf("count what runs: malformed: %q", text)
	}
	r, _, _ := strings.Cut(f[3], "/")
	n, err := strconv.Atoi(r)
	if err != nil {
		return 0, fmt.Errorf("count what runs: malformed: %q", text)
	}
	return max(0, n-1), nil // the reader itself
}

// MemoryFree returns how many bytes processes could still get without
// swapping: the kernel's estimate for the machine (MemAvailable), or what the
// memory cgroups of this process leave if that is less.
func MemoryFree() (int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("measure free memory: %w", err)
	}
	free, err := parseMeminfo(string(b))
	if err != nil {
		return 0, err
	}
	for _, g := range ownGroups() {
		if n, ok := g.free(); ok {
			free = min(free, n)
		}
	}
	return free, nil
}

// parseMeminfo returns MemAvailable in bytes.
func parseMeminfo(text string) (int64, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "MemAvailable:" || f[2] != "kB" {
			continue
		}
		if n, err := strconv.ParseInt(f[1], 10, 64); err == nil && n >= 0 && n < 1<<50 {
			return n << 10, nil
		}
	}
	return 0, fmt.Errorf("measure free memory: no MemAvailable")
}
