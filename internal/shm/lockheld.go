package shm

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// HeldVar is the variable of the environment that names, as a:b, the locks whose
// descriptors a command has inherited. What does not inherit a lock must not inherit
// its name: it would take itself for a holder.
const HeldVar = "MPX_HELD"

// HeldLocks returns the names that HeldVar has for this process. They may be of locks
// that are long free.
func HeldLocks() []string {
	return slices.DeleteFunc(strings.Split(os.Getenv(HeldVar), ":"), func(s string) bool { return s == "" })
}

// HeldEnv returns the environment of a command that inherits the locks names, and no
// others.
func HeldEnv(names []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, HeldVar+"=") })
	if len(names) == 0 {
		return env
	}
	return append(env, HeldVar+"="+strings.Join(names, ":"))
}

// InheritedLocks returns the descriptors of this process that hold a lock: those that
// it has inherited, as mpx lock hands them down.
func InheritedLocks() (fds []int) {
	const dir = "/proc/self/fdinfo/"
	mark := fmt.Sprintf(" %d %d", int64(lockByte), int64(lockByte))
	files, _ := os.ReadDir(dir) // an error: nothing can be known of them
	for _, f := range files {
		info, _ := contentOf(dir + f.Name()) // an error: it was dir's own
		fd, err := strconv.Atoi(f.Name())
		if err == nil && fd > unix.Stderr && strings.Contains(string(info), mark) {
			fds = append(fds, fd)
		}
	}
	return fds
}
