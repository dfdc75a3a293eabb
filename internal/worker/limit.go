package worker

import (
	"errors"
	"strconv"
	"strings"

	"mpx/internal/proc"

	"golang.org/x/sys/unix"
)

// underLimit is the script that limits the address space of a task, in KiB.
// prlimit(2) after the start would come too late for a quick task, and a limit
// on this process before it could end the Go runtime.
const underLimit = `ulimit -v "$0" && exec "$@"`

// executeLimited is execute under the limit on memory.
func (r *execRunner) executeLimited(spec *proc.Spec) (pid, pidfd int, err error) {
	path, err := r.executable(spec.Argv[0])
	if err != nil {
		return 0, -1, err
	}
	if strings.HasPrefix(path, "-") {
		path = "./" + path // no option of exec's
	}
	env, odd := splitEnv(spec.Env)
	script, by := underLimit, strconv.FormatUint(limitKiB(r.s.cfg.LimitMemory), 10)
	if r.group != nil {
		if err := r.group.Begin(); err != nil {
			return 0, -1, err
		}
		script, by = intoGroup, r.group.Dir
	}
	argv := []string{"sh", "-c", script, by}
	if tool, err := r.executable("env"); err == nil && len(odd) > 0 && !strings.Contains(path, "=") {
		argv = append(append(argv, tool, "--"), odd...)
	}
	limited := *spec
	limited.Path, limited.Env = "/bin/sh", env
	limited.Argv = append(append(argv, path), spec.Argv[1:]...)
	return proc.Start(&limited)
}

// limitKiB is limit, in bytes, as ulimit has it. A limit that is lower already
// stands.
func limitKiB(limit int64) uint64 {
	kib := (uint64(limit) + 1023) >> 10
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &now); err == nil {
		kib = min(kib, now.Cur>>10)
	}
	return kib
}

// executable returns the file that name means, or the error that executing it
// would be: behind sh it would be sh's, in sh's words.
func (r *execRunner) executable(name string) (string, error) {
	path, err := r.paths.find(name)
	if err != nil {
		return "", err
	}
	if err = mayExecute(path); errors.Is(err, unix.ENOENT) && path != name {
		delete(r.paths, name) // moved since: search again
		if path, err = r.paths.find(name); err == nil {
			err = mayExecute(path)
		}
	}
	return path, err
}

func mayExecute(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EACCES
	}
	return unix.Access(path, unix.X_OK)
}

// splitEnv divides env by names: odd are those that a shell may drop on the
// way, as dash does with the functions that bash exports. env(1) passes them.
func splitEnv(env []string) (plain, odd []string) {
	const digits = "0123456789"
	const letters = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, v := range env {
		name, _, ok := strings.Cut(v, "=")
		if ok && name != "" && (strings.Trim(name, letters+digits) != "" || strings.Contains(digits, name[:1])) {
			odd = append(odd, v)
		} else {
			plain = append(plain, v)
		}
	}
	return plain, odd
}
