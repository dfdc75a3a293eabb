package task

import (
	"path"
	"strings"
)

// A reader is what reads a word as code.
type reader uint8

const (
	readNothing  reader = iota
	readShell           // the POSIX shell that the command line names
	readAnyShell        // a shell that mpx cannot know: another machine's, another user's, $SHELL
	readLanguage        // another language, in which {q} is no protection
)

// An interpreter is a program that reads some of its words as code.
type interpreter struct {
	reads reader
	code  string   // the options of one letter whose operand is code
	long  []string // the long options and other words whose operand is code
	takes string   // other options of one letter that take an operand
	rest  string   // options of one letter that take the rest of their word
	// longTakes are the long options that take the next word.
	longTakes []string
	// longMayTake says that any other long option may do so: there are too many.
	longMayTake bool
	last        string // options of one letter behind which all is the code's own
	// first says which operand is code (from 1) where no option had any, and all
	// says that those behind it are, too.
	first    int
	all      bool
	file     string // options of one letter that say where the code is instead
	end      string // the word that is the last to be read
	anywhere bool   // options may follow operands
	// lines says that a COMMAND of one word is a shell line, as mpx map has it.
	lines bool
	// behindFile says that -c and the code stand behind the first operand.
	behindFile bool
	remedy     string // how a value gets into the code
}

const (
	argvOfPerl   = `perl -e 'print "$ARGV[0]\n"' {}`
	argvOfPython = `python3 -c 'import sys; print(sys.argv[1])' {}`
	argvOfRuby   = `ruby -e 'puts ARGV[0]' {}`
	argvOfNode   = `node -e 'console.log(process.argv[1])' {}`
	argvOfAwk    = `env x={} awk 'BEGIN { print ENVIRON["x"] }'`
	argvOfOther  = "pass it as an argument of the code, or by env x={}"
)

var (
	asPerl   = interpreter{reads: readLanguage, code: "eEFMm", takes: "I", rest: "i0lxCdDV", remedy: argvOfPerl}
	asRuby   = interpreter{reads: readLanguage, code: "e", takes: "IrCEF", rest: "iKxT0W", long: nil, remedy: argvOfRuby}
	asPython = interpreter{reads: readLanguage, code: "c", takes: "WXm", last: "cm", longTakes: []string{"--check-hash-based-pycs"}, remedy: argvOfPython}
	asNode   = interpreter{reads: readLanguage, long: []string{"-e", "-p", "-pe", "--eval", "--print", "eval"}, longTakes: []string{"-r", "-C"}, longMayTake: true, remedy: argvOfNode}
	asAwk    = interpreter{
		reads: readLanguage, code: "e", takes: "FvfilEW", file: "fE", first: 1, long: []string{"--source"},
		longTakes: []string{"--field-separator", "--assign", "--file", "--include", "--load", "--exec"}, remedy: argvOfAwk,
	}
	asSu = interpreter{
		reads: readAnyShell, code: "c", takes: "gGswu", file: "u", long: []string{"--command", "--session-command"}, anywhere: true,
		longTakes: []string{"--group", "--supp-group", "--shell", "--whitelist-environment", "--user"}, remedy: "{q} is the record quoted for that shell: su USER -c 'cat {q}'",
	}
	asScript = interpreter{
		reads: readAnyShell, code: "c", takes: "BEIOTmo", long: []string{"--command"}, anywhere: true,
		longTakes: []string{"--log-in", "--log-out", "--log-io", "--log-timing", "--echo", "--logging-format", "--output-limit"},
		remedy:    "{q} is the record quoted for that shell: script -qc 'cat {q}' /dev/null",
	}
	asSSH      = interpreter{reads: readAnyShell, takes: "BbcDEeFIiJLlmOoPpQRSWw", first: 2, all: true, remedy: "{q} is the record quoted for that shell: ssh HOST 'cat {q}'"}
	asWatch    = interpreter{reads: readAnyShell, takes: "nq", longTakes: []string{"--interval", "--equexit"}, file: "x", first: 1, all: true, remedy: "an argument is read by no shell: watch -x cat {}"}
	asParallel = interpreter{reads: readAnyShell, takes: "aCdDEIjJlLnNPsSU", first: 1, all: true, end: ":::", remedy: "values behind ::: are arguments: parallel cat ::: {}"}
	asMpx      = interpreter{reads: readAnyShell, long: []string{"--initializer", "--for", "--shell"}, lines: true, remedy: "several words of COMMAND are no shell line: mpx map echo {}"}
	asSg       = interpreter{reads: readAnyShell, code: "c", anywhere: true, first: 2, remedy: "{q} is the record quoted for that shell: sg GROUP 'cat {q}'"}
	asFlock    = interpreter{reads: readAnyShell, takes: "wE", behindFile: true, longTakes: []string{"--timeout", "--wait", "--conflict-exit-code"}, remedy: "an argument is read by no shell: flock FILE cat {}"}
	asOther    = interpreter{reads: readLanguage, code: "eE", long: []string{"--eval", "--print", "-p"}, remedy: argvOfOther}
	asLua      = interpreter{reads: readLanguage, code: "e", takes: "l", remedy: argvOfOther}
	asJulia    = interpreter{reads: readLanguage, code: "eE", takes: "LJpCHtm", long: asOther.long, remedy: argvOfOther}
	asFish     = interpreter{reads: readLanguage, code: "cC", long: []string{"--command", "--init-command", "-Command", "--commands"}, remedy: "take a POSIX shell, or pass it as an argument"}
)

// interpreters are those whose names are known, without a version's number.
var interpreters = map[string]*interpreter{
	"perl": &asPerl, "ruby": &asRuby, "python": &asPython, "pypy": &asPython, "node": &asNode, "nodejs": &asNode, "deno": &asNode, "bun": &asNode,
	"php": {reads: readLanguage, code: "rRBE", takes: "cdfFtzS", long: []string{"--run", "--process-code", "--process-begin", "--process-end"}, remedy: argvOfOther},
	"lua": &asLua, "luajit": &asLua, "Rscript": &asOther, "R": &asOther, "julia": &asJulia, "osascript": &asOther, "groovy": &asOther,
	"elixir": &asOther, "erl": &asOther, "ghc": &asOther, "raku": &asPerl,
	"awk": &asAwk, "gawk": &asAwk, "mawk": &asAwk, "nawk": &asAwk, "original-awk": &asAwk, "bwk": &asAwk,
	"su": &asSu, "runuser": &asSu, "script": &asScript, "ssh": &asSSH, "slogin": &asSSH, "rsh": &asSSH, "autossh": &asSSH,
	"capsh": &asSu, "sg": &asSg, "mpx": &asMpx, "parallel": &asParallel, "expect": {reads: readLanguage, code: "c", remedy: argvOfOther}, "guile": {reads: readLanguage, code: "ce", remedy: argvOfOther},
	"watch": &asWatch, "flock": &asFlock,
}

// interpreterOf returns the interpreter that word names, nil if none.
func interpreterOf(word string) *interpreter {
	name := path.Base(word)
	if isForeignShell(name) {
		return &asFish
	}
	if p := interpreters[name]; p != nil {
		return p
	}
	if cut := strings.TrimRight(name, "0123456789.-"); cut != "" && cut != name {
		return interpreters[cut]
	}
	return nil
}

// A wrapper is a program that runs the command that its last words are.
type wrapper struct {
	takes    string   // options of one letter that take an operand
	long     []string // long options that take the next word
	operands int      // words before the command
}

var wrappers = map[string]wrapper{
	"env":  {takes: "uCSa", long: []string{"--unset", "--chdir", "--split-string", "--argv0"}},
	"sudo": {takes: "ugpCDRrtThU", long: []string{"--user", "--group", "--prompt", "--close-from", "--chdir", "--chroot", "--role", "--type", "--command-timeout", "--host", "--other-user"}},
	"doas": {takes: "uCa"}, "nice": {takes: "n", long: []string{"--adjustment"}}, "nohup": {}, "setsid": {},
	"ionice": {takes: "cn", long: []string{"--class", "--classdata"}}, "stdbuf": {takes: "ioe", long: []string{"--input", "--output", "--error"}},
	"timeout": {takes: "ks", long: []string{"--kill-after", "--signal"}, operands: 1}, "time": {takes: "fo", long: []string{"--format", "--output"}},
	"chrt": {takes: "TPD", operands: 1}, "taskset": {operands: 1}, "chroot": {operands: 1}, "numactl": {takes: "NmCpPiw"},
	"unshare": {takes: "RSGw", long: []string{"--root", "--wd", "--setuid", "--setgid", "--propagation", "--map-user", "--map-group"}},
	"nsenter": {takes: "tSG", long: []string{"--target", "--setuid", "--setgid"}}, "setarch": {}, "linux64": {}, "linux32": {}, "setpriv": {},
	"prlimit": {}, "fakeroot": {takes: "lsib"}, "catchsegv": {}, "strace": {takes: "aeEIoOpPsSuUX"}, "ltrace": {takes: "aeDlnopsuwxF"},
	"valgrind": {}, "xargs": {takes: "aEIdLnPs", long: []string{"--arg-file", "--delimiter", "--max-lines", "--max-args", "--max-procs", "--max-chars", "--process-slot-var"}},
	"busybox": {}, "toybox": {}, "command": {}, "exec": {takes: "a"}, "builtin": {}, "noglob": {}, "nocorrect": {}, "unbuffer": {},
	"sshpass": {takes: "fdpPe"}, "gosu": {operands: 1}, "su-exec": {operands: 1}, "chpst": {takes: "ubemdofpcrtl/n"}, "setuidgid": {operands: 1},
	"envdir": {operands: 1}, "caffeinate": {}, "systemd-inhibit": {}, "xvfb-run": {takes: "efnpsw"}, "dbus-run-session": {}, "rlwrap": {}, "ccache": {},
	"flock": {takes: "wE", long: asFlock.longTakes, operands: 1},
}

// isSearcher reports whether command never runs its arguments but may well
// have the name of an interpreter among them.
func isSearcher(command string) bool {
	switch path.Base(command) {
	case "grep", "egrep", "fgrep", "rg", "ag", "ack", "echo", "printf", "test", "[", "which", "type", "man", "apt", "apt-get", "dnf", "apk":
		return true
	}
	return false
}
