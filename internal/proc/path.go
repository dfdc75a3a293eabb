package proc

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// LookPath returns the file that name means, as execvp(3): PATH is searched
// for a name without a slash. The error is ENOENT, or EACCES when there is such
// a file that may not be executed. Unlike exec.LookPath it finds what stands in
// the current directory if PATH says so, by an empty element, as shells do; and
// where PATH is not set it has the C library's default.
func LookPath(name string) (string, error) {
	if name == "" {
		return "", unix.ENOENT
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	path, set := os.LookupEnv("PATH")
	if !set {
		path = "/bin:/usr/bin"
	}
	var denied error = unix.ENOENT
	for dir := range strings.SplitSeq(path, ":") { // an empty PATH is one empty element
		if dir == "" {
			dir = "."
		}
		p := dir + "/" + name
		st, err := os.Stat(p)
		if err != nil || st.IsDir() {
			continue
		}
		if unix.Access(p, unix.X_OK) == nil {
			return p, nil
		}
		denied = unix.EACCES
	}
	return "", denied
}
