package task

import "strings"

// shellsUsing returns the shells that themselves use the variable name as
// something else than text: a number, a prompt, a command, a file that they run.
// The value of any other variable is text; so is that of PATH or IFS.
func shellsUsing(name string) shellSet {
	const numbers = inAny &^ inDash &^ inAsh
	switch name {
	case "PS1", "PS2", "PS3", "PS4", "ENV", "OPTIND", "LINENO", "PPID":
		return inAny
	case "RANDOM", "SECONDS", "COLUMNS", "LINES", "TMOUT", "SHLVL", "HISTSIZE", "HISTCMD", "UID", "EUID", "FCEDIT":
		return numbers
	case "GID", "EGID", "PGRP", "USER_ID", "EXECSHELL", "JOBMAX", "ERRNO":
		return numbers &^ inBash
	case "SRANDOM", "HISTFILESIZE", "MAILCHECK", "PROMPT_COMMAND", "PROMPT_DIRTRIM", "FUNCNAME", "DIRSTACK", "GROUPS",
		"TIMEFORMAT", "COMP_CWORD", "COMP_POINT", "COMP_TYPE", "COMP_KEY", "FUNCNEST", "PIPESTATUS", "mapfile", "auto_resume":
		return numbers
	case "EPOCHSECONDS", "EPOCHREALTIME":
		return numbers
	}
	switch {
	case strings.HasPrefix(name, "BASH"):
		return inAny // BASH_ENV, which a bash that the line starts expands
	case strings.HasPrefix(name, "KSH"):
		return inMksh | inKsh93 | inOther
	case strings.HasPrefix(name, "TRY_BLOCK_"), strings.HasPrefix(name, "ZSH"), strings.HasPrefix(name, "PROMPT"),
		strings.HasPrefix(name, "RPROMPT"), strings.HasPrefix(name, "RPS"):
		return inZsh | inOther
	}
	switch name {
	case "SAVEHIST", "KEYTIMEOUT", "LISTMAX", "BAUD", "DIRSTACKSIZE", "LOGCHECK", "REPORTTIME", "REPORTMEMORY", "TTYIDLE",
		"TIMEFMT", "WATCH", "WATCHFMT", "NULLCMD", "READNULLCMD", "SPROMPT", "POSTEDIT", "ARGC", "argv", "status", "options",
		"functions", "aliases", "galiases", "saliases", "commands", "parameters", "nameddirs", "modules", "prompt", "psvar":
		return inZsh | inOther
	}
	return inNone
}
