package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Descriptors of a resident shell. 0 is /dev/null; 1 and 2 take what the
// initializer prints.
const (
	shellRequests = 3 // lines: a letter, and of a plain task its number, attempt and word
	shellStatuses = 4 // an exit status and a newline; "+" and its pid when it is warm
	shellStdout   = 5 // of tasks
	shellStderr   = 6
	shellTerminal = 7 // a terminal of its own, that set -m wants
)

// driver is the script of a resident shell. $1 is the initializer, $2 the text of
// a plain task; the file %[1]s has that of any other.
//
// The braces have all of it parsed before the initializer runs, whose aliases
// therefore change nothing here. The initializer runs in this very shell, without
// the descriptors of the driver. set -m makes each task the leader of a process
// group, and needs a terminal in dash, busybox and zsh; the descriptor may be
// closed at once; when the shell leaves, the terminal's end would send HUP to what
// the initializer has left running, which therefore ignores it. The signals that a task may send to $$ are caught, not
// ignored: subshells start with the defaults. The task's text is opened and
// parsed by its subshell, so that nothing of it ever touches this shell.
//
// A task that is told to end before its subshell is there must not run. So a subshell
// looks first whether a file of the worker's has something in it (see orders), when it has
// the default signals: what is sent to it from then on it gets.
//
// A request is a line. A task whose one changing word is plain stands in it, for
// a shell reads a few bytes sooner than it opens a file.
const driver = `{ exec 7>&-
trap '' HUP
mpx_s=$2
eval "$1" 3<&- 4>&- 5>&- 6>&-
mpx_x=$?; case $mpx_x in 0) ;; *) exit "$mpx_x" ;; esac
exec >/dev/null 2>&1
set -m
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
case $- in *e*) mpx_e='set -e'; mpx_s="$mpx_e; $mpx_s" ;; *) mpx_e=: ;; esac; set +e
export MPX_SEQ MPX_ATTEMPT
echo "+ $$" >&4
while IFS=' ' read -r mpx_x MPX_SEQ MPX_ATTEMPT mpx_v <&3; do
case $mpx_x in
r) ( exec >&5 2>&6 3<&- 4>&- 5>&- 6>&-; [ -s %[2]s ] && exit 143; eval "$mpx_s" ) ;;
*) ( exec >&5 2>&6 3<&- 4>&- 5>&- 6>&-; [ -s %[2]s ] && exit 143; . %[1]s ) ;;
esac; echo "$?" >&4
done; }
`

// driverFor returns the driver for tasks whose text is in this process's
// descriptor text, and which are not to run while orders has something in it.
func driverFor(text, orders int) string {
	return fmt.Sprintf(driver, procPath(text), procPath(orders))
}

// procPath is how another process opens this one's descriptor fd.
func procPath(fd int) string { return "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(fd) }

// A shellText is what a task's subshell reads.
type shellText struct {
	seq     uint64
	attempt uint32
	stdin   int    // descriptor of this process; 0: /dev/null
	limit   int64  // of address space, in bytes; 0: none
	group   string // the memory group to enter instead; "": none
	script  string
	args    []string
}

// appendTo appends the text. All that comes from the task stands in single
// quotes, the only quoting that every shell reads alike.
func (t *shellText) appendTo(b *bytes.Buffer) {
	fmt.Fprintf(b, "export MPX_SEQ=%d MPX_ATTEMPT=%d; ", t.seq, t.attempt)
	if t.stdin > 0 {
		fmt.Fprintf(b, "exec <%s; ", procPath(t.stdin))
	}
	if t.group != "" { // 0 is who writes it: $$ is the shell
		b.WriteString("echo 0 >")
		quoteInto(b, t.group+"/cgroup.procs")
		b.WriteString(" || exit 126; ")
	} else if t.limit > 0 {
		fmt.Fprintf(b, "ulimit -v %d || exit 126; ", limitKiB(t.limit))
	}
	appendArgs(b, t.args, -1)
	b.WriteString("; eval \"$mpx_e\"; eval ")
	quoteInto(b, t.script)
	b.WriteByte('\n')
}

// appendArgs appends what makes args the script's; $mpx_v stands for the one of
// number word.
func appendArgs(b *bytes.Buffer, args []string, word int) {
	b.WriteString("set --")
	for i, a := range args {
		b.WriteByte(' ')
		if i == word {
			b.WriteString(`"$mpx_v"`)
		} else {
			quoteInto(b, a)
		}
	}
}

func quoteInto(b *bytes.Buffer, s string) {
	b.WriteByte('\'')
	for {
		before, after, found := strings.Cut(s, "'")
		b.WriteString(before)
		if !found {
			break
		}
		b.WriteString(`'\''`)
		s = after
	}
	b.WriteByte('\'')
}
