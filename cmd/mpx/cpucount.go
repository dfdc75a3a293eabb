package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

func (a *app) cpuCountCommand() *cobra.Command {
	return helped(&cobra.Command{
		Use:   "cpu-count",
		Short: "Print how many processors this process may use",
		Long: `Print how many processors this process may use, by its affinity mask and its
cgroup's quota (Python's os.process_cpu_count). It is the default of -j.`,
		Example: `  mpx cpu-count
  taskset -c 0 mpx cpu-count            # 1
  make -j"$(mpx cpu-count)"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("mpx cpu-count takes no arguments", "%q is one too many", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, cpuCount())
			return err
		},
	}, "  0     always\n  125   the number cannot be written")
}

// cpuCount returns how many processors this process may use. The runtime knows,
// unless the user has told it otherwise.
func cpuCount() int {
	if os.Getenv("GOMAXPROCS") != "" {
		runtime.SetDefaultGOMAXPROCS()
	}
	return min(runtime.GOMAXPROCS(0), runtime.NumCPU())
}
