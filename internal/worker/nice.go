package worker

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// addNice adds n to the nice value of this process: of each of its threads,
// which have their own in Linux. Tasks have that of the thread which starts
// them, and a function runs in another.
func addNice(n int) error {
	if n == 0 {
		return nil
	}
	prio, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("read nice value: %w", err)
	}
	nice := max(-20, min(20-prio+n, 19)) // the system call returns 20 − nice
	// A thread has the value of the one that has started it: when a look at them
	// shows none that is new, those of before had all been set, and so no other
	// comes.
	for set := map[int]bool{}; ; {
		known := len(set)
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("set nice value %d: %w", nice, err)
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil || set[id] {
				continue
			}
			set[id] = true
			if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("set nice value %d: %w", nice, err)
			}
		}
		if len(set) == known {
			return nil
		}
	}
}
