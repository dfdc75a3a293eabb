package worker

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"mpx/internal/proc"
	"mpx/internal/task"

	"golang.org/x/sys/unix"
)

// paths is where PATH found commands.
type paths map[string]string

// execute starts spec as execvp would: PATH is searched for a name without a
// slash, and a file that is executable but no program is run by sh.
func (p paths) execute(spec *proc.Spec) (pid, pidfd int, err error) {
	name := spec.Argv[0]
	if spec.Path, err = p.find(name); err != nil {
		return 0, -1, err
	}
	pid, pidfd, err = proc.Start(spec)
	if errors.Is(err, unix.ENOENT) && spec.Path != name {
		delete(p, name) // moved since: search again
		if spec.Path, err = p.find(name); err != nil {
			return 0, -1, err
		}
		pid, pidfd, err = proc.Start(spec)
	}
	if errors.Is(err, unix.ENOEXEC) {
		script := *spec
		script.Argv = append([]string{"/bin/sh", spec.Path}, spec.Argv[1:]...)
		script.Path = "/bin/sh"
		return proc.Start(&script)
	}
	return pid, pidfd, err
}

// find is proc.LookPath with a memory.
func (p paths) find(name string) (string, error) {
	if found, ok := p[name]; ok {
		return found, nil
	}
	found, err := proc.LookPath(name)
	if err == nil && found != name {
		p[name] = found
	}
	return found, err
}

// cannot is why a command cannot be run, as a shell would have it.
type cannot struct {
	exit       int
	note, hint string
}

func cannotRun(name string, err error) cannot {
	if name == "" {
		name = "''"
	}
	errno, _ := err.(syscall.Errno)
	switch errno {
	case unix.ENOENT:
		if strings.Contains(name, "/") {
			return cannot{127, name + ": no such file, or its interpreter is missing", ""}
		}
		return cannot{
			127, name + ": command not found",
			"is it installed and on PATH? A function or an alias of your shell is not seen here",
		}
	case unix.EACCES, unix.EISDIR:
		if st, serr := os.Stat(name); serr == nil && st.IsDir() {
			return cannot{126, name + ": is a directory", ""}
		}
		return cannot{126, name + ": permission denied", "is it executable? chmod +x, or name its interpreter"}
	case unix.E2BIG:
		return cannot{126, name + ": argument list too long", "pass fewer records a task (-n), or pass them by --stdin"}
	}
	return cannot{126, name + ": cannot be run: " + err.Error(), ""}
}

func hintOf(err error) string {
	var re *task.RecordError
	if errors.As(err, &re) {
		return re.Hint
	}
	return ""
}
