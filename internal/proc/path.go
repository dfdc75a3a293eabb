package proc

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// LookPath returns the file that name means, as execvp(3): PATH is searched
// for a name without a slash. The error is ENOENT, or EACCES when there is such
// a file that may not be executed. Unlike exec.LookPath it finds what stands in
// the current directory if PATH says so, as shells do.
func LookPath(name string) (string, error) {
	if name == "" {
		return "", unix.ENOENT
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	var denied error = unix.ENOENT
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
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
