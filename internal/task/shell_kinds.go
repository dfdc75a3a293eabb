package task

import (
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// A shellSet is a set of the shells that read words in ways of their own.
type shellSet uint8

const (
	inDash shellSet = 1 << iota
	inAsh           // busybox
	inBash
	inZsh
	inMksh
	inKsh93
	inOther // any other that reads a POSIX shell's language

	inNone shellSet = 0
	inAny           = inDash | inAsh | inBash | inZsh | inMksh | inKsh93 | inOther
	// inLiteral read a number as digits; the others evaluate it as arithmetic,
	// where a[$(command)] runs the command.
	inLiteral = inDash | inAsh | inBash
)

// shellsOf returns what the shell may be that words start. The program decides,
// not its name: sh is a link to another shell on most systems. Where that is not
// known, it may be any.
func shellsOf(words []string) shellSet {
	if len(words) > 1 && words[1] == "hush" {
		return inAny
	}
	if file, err := exec.LookPath(words[0]); err == nil && isShell(words[0]) {
		if real, err := filepath.EvalSymlinks(file); err == nil {
			return shellsNamed(real)
		}
	}
	if !isShell(words[0]) && len(words) > 1 {
		return inAny // env, sudo or chroot: which program that is depends on them
	}
	return shellsNamed(words[0])
}

// shellsNamed is shellsOf for the name of a program that is no link.
func shellsNamed(file string) shellSet {
	name, _, _ := strings.Cut(path.Base(file), "-") // bash-static
	if strings.HasPrefix(name, "ksh93") || strings.HasPrefix(name, "rksh93") {
		return inKsh93
	}
	switch strings.TrimRight(name, "0123456789.") {
	case "dash":
		return inDash
	case "busybox", "ash":
		return inAsh
	case "bash", "rbash":
		return inBash
	case "zsh", "rzsh":
		return inZsh
	case "mksh", "lksh":
		return inMksh
	case "ksh":
		return inKsh93 | inMksh | inOther
	}
	return inAny
}

// readsPOSIX reports whether the shell is not known to speak another language.
func readsPOSIX(shell []string) bool { return !isForeignShell(shell[0]) }

// isShell reports whether word names a shell of POSIX's language.
func isShell(word string) bool {
	switch path.Base(word) {
	case "sh", "bash", "dash", "ksh", "mksh", "zsh", "ash", "busybox",
		"hush", "ksh93", "lksh", "posh", "rbash", "yash", "oksh", "loksh", "pdksh", "rksh", "rzsh":
		return true
	}
	return false
}

// isForeignShell reports whether word names a shell of another language, to
// which {q} means something else, too.
func isForeignShell(word string) bool {
	switch path.Base(word) {
	case "fish", "csh", "tcsh", "rc", "es", "nu", "elvish", "xonsh", "pwsh", "powershell", "ion":
		return true
	}
	return false
}
