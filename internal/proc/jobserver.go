package proc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Jobserver is a client's end of GNU make's jobserver: a pipe or a FIFO that
// holds a byte, the token, for each job that may be started. Whoever takes one
// writes the same byte back. Each process that make starts may run one job
// without a token. See "POSIX Jobserver Interaction" in make's manual.
type Jobserver struct{ r, w int }

// FindJobserver returns where the jobserver is according to makeflags, which
// is the variable MAKEFLAGS of a recipe: "R,W", two descriptors, or "fifo:PATH";
// empty: there is none. One that is named and cannot be opened is an error.
func FindJobserver(makeflags string) (auth string, err error) {
	for _, f := range makeOptions(makeflags) {
		for _, name := range []string{"--jobserver-auth=", "--jobserver-fds="} { // the latter until make 4.1
			if a, ok := strings.CutPrefix(f, name); ok {
				auth = a // the last one wins
			}
		}
	}
	if auth == "" {
		return "", nil
	}
	if fds, err := descriptors(auth); err == nil && (!inheritsPipe(fds[0]) || !inheritsPipe(fds[1])) {
		return "", fmt.Errorf("open make's jobserver: its descriptors (%s) are closed: "+
			"the recipe's line must begin with + (or use $(MAKE))", auth)
	}
	j, err := OpenJobserver(auth)
	if err != nil {
		return "", err
	}
	j.Close()
	return auth, nil
}

// MakeJobs returns the N of -jN in makeflags, how many jobs make runs at once
// in all; 0: make does not say.
func MakeJobs(makeflags string) (jobs int) {
	for _, f := range makeOptions(makeflags) {
		if n, ok := strings.CutPrefix(f, "-j"); ok {
			jobs, _ = strconv.Atoi(n)
		}
	}
	return max(0, jobs)
}

// makeOptions returns the words of makeflags that are options: after -- come
// variables, whose values may look like any.
func makeOptions(makeflags string) []string {
	words := strings.Fields(makeflags)
	for i, w := range words {
		if w == "--" {
			return words[:i]
		}
	}
	return words
}

// descriptors reads "R,W".
func descriptors(auth string) (fds [2]int, err error) {
	r, w, _ := strings.Cut(auth, ",")
	for i, s := range []string{r, w} {
		if fds[i], err = strconv.Atoi(s); err != nil {
			return fds, fmt.Errorf("open make's jobserver: neither R,W nor fifo:PATH: %q", auth)
		}
	}
	return fds, nil
}

// inheritsPipe reports whether fd is a pipe that this process was started with.
// For a line without + make closes its own, and the number may be of a
// descriptor of this program, which is close-on-exec, or of any file.
func inheritsPipe(fd int) bool {
	if fd < 0 { // make's way to say that it has closed them
		return false
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0 && isPipe(fd)
}

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// OpenJobserver opens the jobserver that FindJobserver has found, close-on-exec.
// Descriptors are opened anew, for they are make's own, which are blocking and
// must stay so.
func OpenJobserver(auth string) (*Jobserver, error) {
	if path, ok := strings.CutPrefix(auth, "fifo:"); ok {
		fd, err := openPipe(path, unix.O_RDWR)
		if err != nil {
			return nil, err
		}
		return &Jobserver{fd, fd}, nil
	}
	fds, err := descriptors(auth)
	if err != nil {
		return nil, err
	}
	const own = "/proc/self/fd/"
	r, err := openPipe(own+strconv.Itoa(fds[0]), unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	w, err := openPipe(own+strconv.Itoa(fds[1]), unix.O_WRONLY)
	if err != nil {
		unix.Close(r)
		return nil, err
	}
	return &Jobserver{r, w}, nil
}

func openPipe(path string, mode int) (int, error) {
	fd, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open make's jobserver: %s: %w", path, err)
	}
	if !isPipe(fd) {
		unix.Close(fd)
		return -1, fmt.Errorf("open make's jobserver: %s: neither a pipe nor a FIFO", path)
	}
	return fd, nil
}

// FD returns the descriptor that is readable while a token is free.
func (j *Jobserver) FD() int { return j.r }

// Take reads a token into b[0]. It does not wait: ok is false when none is free,
// also after FD was readable, as another client may have been quicker.
func (j *Jobserver) Take(b []byte) (ok bool, err error) {
	n, err := Read(j.r, b[:1])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("take a token of make's jobserver: %w", err)
	}
	return n == 1, nil // never 0: that is end of file, and j itself can write
}

// Give puts a token back: the byte that was taken.
func (j *Jobserver) Give(token byte) error {
	if _, err := Write(j.w, []byte{token}); err != nil {
		return fmt.Errorf("give a token back to make's jobserver: %w", err)
	}
	return nil
}

// Close closes j. A token that was taken and not given is lost to make.
func (j *Jobserver) Close() {
	unix.Close(j.r)
	if j.w != j.r {
		unix.Close(j.w)
	}
}
