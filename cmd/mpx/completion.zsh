#compdef mpx
# Completion of mpx for zsh.
#
# mpx's arguments are commands: nothing that is typed is evaluated here, so that
# TAB runs none of it and opens no file.

_mpx() {
	local -a out shown
	local directive order
	out=("${(@f)$(command ${(Q)words[1]/#\~/$HOME} __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
	[[ $out[-1] == :<-> ]] || return 1
	directive=${out[-1]#:}
	out[-1]=()
	(( directive & 1 )) && return 1
	[[ $PREFIX == -*=* ]] && compset -P 1 '*='
	if (( directive & 16 )); then
		_files -/
		return
	fi
	(( directive & 32 )) && order=-V
	# _describe wants word:meaning.
	shown=("${(@)${(@)out//:/\\:}/$'\t'/:}")
	if (( $#out )); then
		_describe $order 'mpx' shown && return
	fi
	(( directive & 4 )) || _files
}

# Loaded from fpath, this file is the function's body; sourced, it defines it.
if [[ $funcstack[1] == _mpx ]]; then
	_mpx "$@"
else
	compdef _mpx mpx
fi
