package main

import (
	"errors"
	"strings"

	"mpx/internal/task"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// peerFlags answers flags of xargs and GNU parallel that mpx lacks with mpx's
// way to do it.
func peerFlags() map[string]string {
	return map[string]string{
		"-L":                 "N lines a task: -n N; to part a line into words: -C ' '",
		"-l":                 "N lines a task: -n N",
		"-N":                 "N records a task: -n N, and {1} {2} … name them",
		"-i":                 "{} needs no flag; for input files: -a FILE",
		"-m":                 "as many records as fit: -n max",
		"-X":                 "as many records as fit: -n max",
		"-x":                 "a task whose command is too long fails by itself",
		"-s":                 "command length is not set; -n N bounds the records",
		"-q":                 "records are always quoted: nothing to set",
		"-p":                 "to see the commands first: --dry-run; a pool's size: -j N",
		"-o":                 "the terminal for the task: --tty",
		"-E":                 "an end-of-file string: put sed '/STR/,$d' before mpx",
		"-e":                 "an end-of-file string: put sed '/STR/,$d' before mpx",
		"-S":                 "remote hosts: mpx map ssh HOST {q} is the way as yet",
		"-c":                 "flags of mpx stand before COMMAND; sh -c is for a line: mpx map 'a | b'",
		"-v":                 "show the commands: -t",
		"-J":                 "profiles: put the flags into a shell function or a script",
		"--pipe":             "records to the tasks' standard input: --stdin, with -n N or --block SIZE",
		"--pipepart":         "records to the tasks' standard input: --stdin --block SIZE -a FILE",
		"--bar":              "it is there: on a terminal --progress shows how far the run is",
		"--eta":              "it is there: on a terminal --progress shows how far the run is",
		"--noswap":           "to hold back tasks while memory is short: --memfree SIZE",
		"--memsuspend":       "to hold back tasks while memory is short: --memfree SIZE",
		"--limit":            "to hold back tasks: --load MAX, --memfree SIZE, --delay DUR",
		"--retry-failed":     "to run again what the joblog says failed: --resume-failed with the same input",
		"--termseq":          "what mpx ends gets TERM, and KILL after --kill-after DUR",
		"--max-replace-args": "N records a task: -n N, and {1} {2} … name them",
		"--process-slot-var": "a task finds its slot in MPX_SLOT, from 1; {%} in its command",
		"--trim":             "records stay as they are; -C ' ' parts them at blanks",
		"--tmux":             "a task's terminal: --tty; its lines as they come: --line-buffer --tag",
		"--sshloginfile":     "remote hosts: mpx map ssh HOST {q} is the way as yet",
		"--onall":            "remote hosts: mpx map ssh HOST {q} is the way as yet",
		"--round-robin":      "records to the tasks' standard input: --stdin, with -n N or --block SIZE",
		"--recstart":         "records end with -d STR; nothing marks their start",
		"--compress":         "what does not fit in memory goes to --tmpdir DIR as it is",
		"--halt-on-error":    "the same: --halt",
		"--interactive":      "to see the commands first: --dry-run",
		"--open-tty":         "the terminal for the task: --tty",
		"--eof":              "an end-of-file string: put sed '/STR/,$d' before mpx",
		"--max-chars":        "command length is not set; -n N bounds the records",
		"--exit":             "a task whose command is too long fails by itself",
		"--nonall":           "remote hosts: mpx map ssh HOST {q} is the way as yet",
		"--lb":               "lines as they come: --line-buffer",
		"--group":            "output is grouped by default",
		"--env":              "exported variables reach tasks as they are; functions: --shell bash after export -f",
		"--xargs":            "as many records as fit: -n max",
		"--max-lines":        "N lines a task: -n N",
		"--replace":          "the placeholder: -I STR",
		"--link":             "sources side by side: ::: a b :::+ c d",
		"--plus":             "placeholders are {} {.} {/} {//} {/.} {q} {#} {%} {N}",
		"--rpl":              "placeholders are {} {.} {/} {//} {/.} {q} {#} {%} {N}",
		"--files":            "output to files: --results DIR",
		"--quote":            "records are always quoted: nothing to set",
		"--shuf":             "shuffle the input: shuf | mpx map …",
		"--wd":               "tasks run where mpx runs: cd DIR first",
		"--sshlogin":         "remote hosts: mpx map ssh HOST {q} is the way as yet",
		"--will-cite":        "there is nothing to cite: leave it out",
		"--semaphore":        "for one of N at a time: mpx sem NAME -n N COMMAND; of a list: mpx map -j N",
	}
}

// hintsFor returns the table of hints for the flags that cmd lacks.
func hintsFor(cmd *cobra.Command) map[string]string {
	switch cmd.Name() {
	case "lock":
		return lockPeerFlags()
	case "sem":
		return semPeerFlags()
	case "map", "digest", "bench":
		return peerFlags()
	}
	if cmd.Name() == "start" && cmd.Parent().Name() == "pool" {
		return peerFlags()
	}
	return nil
}

// lockPeerFlags answers flags of flock.
func lockPeerFlags() map[string]string {
	line := "a shell line: mpx lock NAME sh -c '…'"
	return map[string]string{
		"-c": line, "--command": line,
		"-n": "not to wait: --nonblock", "--nb": "not to wait: --nonblock",
		"--wait": "at most so long: --timeout DUR",
		"-o":     "not to hand the lock down: --close",
		"-F":     "it is there: mpx becomes the command", "--no-fork": "it is there: mpx becomes the command",
		"-x": "it is there: only one holds it", "--exclusive": "it is there: only one holds it",
		"-s": "only one holds a lock; N at a time: mpx sem NAME -n N", "--shared": "only one holds a lock; N at a time: mpx sem NAME -n N",
		"-u": "a lock is free when its command has ended", "--unlock": "a lock is free when its command has ended",
	}
}

// semPeerFlags answers flags of GNU sem.
func semPeerFlags() map[string]string {
	return map[string]string{
		"--id":   "the name is the first word: mpx sem NAME COMMAND",
		"--fg":   "it is there: mpx becomes the command",
		"--bg":   "in the background: mpx sem NAME COMMAND &",
		"--wait": "for what this shell has started: wait",
		"--st":   "at most so long: --timeout DUR", "--semaphoretimeout": "at most so long: --timeout DUR",
		"-c": "a shell line: mpx sem NAME -n N sh -c '…'",
	}
}

// unknownFlag returns the flag that pflag's complaint is about.
func unknownFlag(complaint string) string {
	if _, name, ok := strings.Cut(complaint, "unknown flag: "); ok {
		return name
	}
	if _, rest, ok := strings.Cut(complaint, "unknown shorthand flag: '"); ok {
		letter, _, _ := strings.Cut(rest, "'")
		return "-" + letter
	}
	return ""
}

// flagError turns pflag's complaint into a usage error with a remedy.
func flagError(cmd *cobra.Command, err error) error {
	hint := "see " + cmd.CommandPath() + " --help"
	// The table is built here and not at start-up, where every worker would pay.
	if h := hintsFor(cmd)[unknownFlag(err.Error())]; h != "" {
		hint = h
	}
	var bad *pflag.InvalidValueError
	var tu *task.UsageError
	switch {
	case (cmd.Name() == "put" || cmd.Name() == "send") && unknownFlag(err.Error()) != "":
		hint = "what begins with - stands behind --"
	case errors.As(err, &tu):
		hint = tu.Hint
	case errors.As(err, &bad):
		return usagef("a whole number, or see "+cmd.CommandPath()+" --help", "--%s %s makes no sense", bad.GetFlag().Name, bad.GetValue())
	}
	return &usageError{err.Error(), hint}
}
