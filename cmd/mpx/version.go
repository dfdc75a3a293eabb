package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version is what --version says: what Go noted when it built this program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	name := strings.Trim(info.Main.Version, "()") // (devel) is Go's word for unknown
	if name == "" {
		name = "devel"
	}
	var from string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			from = "commit " + s.Value[:min(len(s.Value), 7)] + ", "
		case s.Key == "vcs.modified" && s.Value == "true":
			from += "modified, "
		}
	}
	return fmt.Sprintf("mpx %s (%s%s %s/%s)", name, from, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
