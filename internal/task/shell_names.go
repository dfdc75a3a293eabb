package task

import "strings"

// builtinNames are the builtin commands of each set of shells. A shell
// that is not known may have all of them.
var builtinNames = []struct {
	in    shellSet
	names string
}{
	{inAny, `. : [ alias bg break cd command continue echo eval exec exit export false fc fg getopts hash jobs kill newgrp
		printf pwd read readonly return set shift test times trap true type ulimit umask unalias unset wait`},
	{inAny &^ inKsh93, "local"},
	{inAny &^ inBash, "chdir"},
	{inAny &^ inDash, "let source help history"},
	{inAny &^ inDash &^ inAsh, "autoload bind builtin disown integer suspend typeset"},
	{inBash | inZsh | inOther, "compgen complete compopt declare dirs enable logout popd pushd"},
	{inBash | inOther, "caller mapfile readarray shopt"},
	{inZsh | inMksh | inKsh93 | inOther, "functions r print whence"},
	{inMksh | inKsh93 | inOther, "nameref stop login global"},
	{inMksh | inOther, "mknod realpath rename"},
	{inMksh | inKsh93 | inOther, "sleep"},
	{inZsh | inKsh93 | inOther, "float"},
	{inKsh93 | inOther, "compound enum hist namespace poll redirect"},
	{inZsh | inOther, `bindkey bye comparguments compadd compcall compctl compdescribe compfiles compgroups compquote
		compset comptags comptry compvalues disable echotc echoti emulate getln limit log noglob private pushln rehash
		sched setopt ttyctl unfunction unhash unlimit unsetopt vared where which zcompile zformat zle zmodload
		zparseopts zregexparse zstyle`},
}

// builtins is builtinNames by name.
var builtins = func() map[string]shellSet {
	m := map[string]shellSet{}
	for _, b := range builtinNames {
		for _, name := range strings.Fields(b.names) {
			m[name] |= b.in
		}
	}
	return m
}()

// isBuiltin reports whether w is a builtin command of some shell. Many exist as
// programs too, but need not behave alike: echo in dash reads backslashes.
func isBuiltin(w string) bool { return builtins[w] != 0 }

// isReserved reports whether w is a keyword of some shell.
func isReserved(w string) bool {
	switch w {
	case "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi",
		"for", "if", "in", "then", "until", "while",
		"[[", "]]", "function", "select", "time", "coproc", // bash, ksh
		"end", "foreach", "nocorrect", "noglob", "repeat", "namespace", "-": // zsh, ksh93
		return true
	}
	return false
}
