package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mpx/internal/pool"

	"github.com/rogpeppe/go-internal/testscript"
)

// raceEnabled says that the race detector is on.
var raceEnabled bool

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"mpx": mainTested, "leaking-filter": leakingFilter, "critical": critical, "stuck": stuck})
}

// initPatienceVar, in the environment of a script's mpx, sets pool.InitPatience.
const initPatienceVar = "MPX_TEST_INIT_PATIENCE"

// mainTested is the mpx of scripts.
func mainTested() {
	if d, err := time.ParseDuration(os.Getenv(initPatienceVar)); err == nil {
		pool.InitPatience = d
	}
	main()
}

// tests are those of this package, not the programs that they run.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	// The race detector sleeps for a second at the end of every process.
	os.Setenv("GORACE", strings.TrimSpace("atexit_sleep_ms=0 "+os.Getenv("GORACE")))
	return t.m.Run()
}

// TestScript runs testdata/script, one behaviour a file. Beyond testscript's
// own commands, scripts have:
//
//	status WANT CMD…   run CMD, which must end with the status WANT, or by the
//	                   signal: status 2 mpx map -j x, status SIGPIPE …
//	signal SIG [FILE]  to the background command, or to the pids in FILE
//	ended WANT         after wait: how the command that signal went to ended
//	eventually CMD…    run CMD until it succeeds (!: fails)
//	patiently CMD…     the same with $LIMIT, a number of seconds: 0.2 first, then twice
//	                   as many each time; for what has to come before a time limit
//	gone FILE…         wait until the processes whose pids are in FILE are gone
//	another CMD…       run CMD as a user who has no other process
//	events FILE…       the files keep what docs/EVENTS.md promises
//	json FILE          the file is one JSON value
//	[root]             the tests run as root
//	[race]             they run under the race detector
//	[cgroup]           mpx can make memory groups
//	[pidns]            unshare can make PID namespaces
//	[timens]           unshare can make time namespaces
//	[mountns]          unshare can make mount namespaces, and mount a part of /proc
//	[ipcns]            unshare can make IPC namespaces
//
// No process that a script has started may outlive it, and nothing may be left
// in TMPDIR. Its shared objects, in MPX_DIR, are removed, and nothing of them may be
// left.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "../../testdata/script",
		RequireUniqueNames: true,
		Setup:              setupScript,
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Getuid() == 0, nil
			case "race":
				return raceEnabled, nil
			case "cgroup":
				return canGroup(), nil
			case "ipcns":
				return exec.Command("unshare", "--ipc", "true").Run() == nil, nil
			case "pidns":
				return exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run() == nil, nil
			case "timens":
				return exec.Command("unshare", "--time", "--boottime", "1", "true").Run() == nil, nil
			case "mountns":
				return exec.Command("unshare", "--mount", "mount", "-t", "proc", "-o", "subset=pid", "proc", "/proc").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":     cmdStatus,
			"signal":     cmdSignal,
			"ended":      cmdEnded,
			"eventually": cmdEventually,
			"patiently":  cmdPatiently,
			"gone":       cmdGone,
			"another":    cmdAnother,
			"events":     cmdEvents,
			"json":       cmdJSON,
		},
	})
}
