package proc

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// atStart has bit N set if signal N was ignored when the process began.
var atStart uint64

// own are the signals that this program cannot do without: those by which it learns of
// its children, and those of the runtime.
const own = 1<<unix.SIGCHLD | 1<<unix.SIGURG | 1<<unix.SIGPROF | 1<<unix.SIGSEGV | 1<<unix.SIGBUS | 1<<unix.SIGFPE | 1<<unix.SIGILL | 1<<unix.SIGTRAP

// OrderSignals puts the signals in order, once, before the process does anything else.
// ignored has bit N set if signal N was ignored when it began: it stays ignored, here
// and in what is started from here, as in any program, but for those of own. SIGQUIT,
// if it was not ignored, ends the process as any other: the runtime tells of its
// goroutines first.
func OrderSignals(ignored uint64) {
	atStart = ignored
	for n := range syscall.Signal(32) {
		if (atStart&^own)&(1<<n) != 0 {
			signal.Ignore(n)
		}
	}
	if !Ignored(unix.SIGQUIT) {
		signal.Ignore(unix.SIGQUIT) // so that Notify installs a handler anew
		TakeDefault(unix.SIGQUIT)
	}
}

// IgnoreOwn ignores also those of own that were ignored when the process began. It is
// the last thing that the process does before it becomes another program.
func IgnoreOwn() {
	for n := range syscall.Signal(32) {
		if atStart&own&(1<<n) != 0 {
			signal.Ignore(n)
		}
	}
}

// Ignored reports whether the caller of this program had sig ignored.
func Ignored(sig syscall.Signal) bool {
	// What os/signal knows of SIGQUIT is OrderSignals' doing.
	return atStart&(1<<sig) != 0 || sig != unix.SIGQUIT && signal.Ignored(sig)
}

// Notify has c told of those of sigs that the caller of this program had not ignored.
func Notify(c chan<- os.Signal, sigs ...syscall.Signal) {
	for _, s := range sigs {
		if !Ignored(s) {
			signal.Notify(c, s)
		}
	}
}
