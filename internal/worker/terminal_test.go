package worker_test

import (
	"syscall"
	"testing"

	"mpx/internal/ipc"

	"golang.org/x/sys/unix"
)

// A worker that shares the terminal with its task gets the terminal's signals,
// too. They are not meant for it, and tasks must not inherit that it takes them.
func TestTerminalSignals(t *testing.T) {
	cfg := commands("grep SigIgn /proc/$$/status")
	cfg.Terminal = true
	b := hire(t, cfg)
	b.hello()
	b.send(tasks(1, 1))
	b.done(1) // by now it has read its configuration
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU} {
		if err := syscall.Kill(b.pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	b.send(tasks(2, 2))
	if d, out := b.done(2); d.Signal != 0 || out != signalsIgnored(t)+"\n" {
		t.Errorf("%+v, %q", d, out)
	}
	b.send(empty(ipc.KindRetire))
	b.bye()
}
