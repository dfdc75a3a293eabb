// Command mpx is Python's multiprocessing for the shell: it runs tasks in a
// pool of worker processes.
//
// This package only connects: flags in, packages called, text out. Each command
// has a file of its own; exit.go is the table of exit statuses.
package main

import (
	"fmt"
	"os"

	"mpx/internal/ipc"
	"mpx/internal/proc"
	"mpx/internal/server"
	"mpx/internal/worker"
)

func main() {
	proc.OrderSignals(ignoredSignals)
	if err := proc.ReserveDescriptors(); err != nil {
		fmt.Fprintf(os.Stderr, "mpx: begin: %v\nmpx: hint: allow more open files: ulimit -n 64\n", err)
		os.Exit(exitBroken)
	}
	// A worker is this program started again, and so are a keeper, a pool's
	// supervisor, a sender and a twin. It is told by an argument, and before anything
	// else: the commands' tree costs start-up time.
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case ipc.WorkerArg:
			os.Exit(worker.Main(os.Args[2:]))
		case server.KeeperArg:
			os.Exit(server.Main(os.Args[2:]))
		case server.SupervisorArg:
			os.Exit(supervisePool(os.Args[2:], os.Stderr))
		case channelArg:
			os.Exit(channelSender(os.Args[2:]))
		case twinArg:
			os.Exit(twinMain(os.Args[2:], os.Stderr))
		}
	}
	keepStdoutClosed()
	status, sig := newApp(nil).run(os.Args[1:])
	if sig != 0 {
		dieBy(sig)
	}
	os.Exit(status)
}
