# Completion of mpx for bash 4.4 or later. It needs nothing else.
#
# mpx's arguments are commands: nothing that is typed is evaluated here, so that
# TAB runs none of it and opens no file.

# _mpx_words sets words to what stands before the cursor, the unfinished word
# last, and piece to the part of it that bash replaces. bash cuts words at = and
# :, but in --leftovers=kill and ::: they belong together: what no blank
# separates on the line is one word.
_mpx_words() {
	local line=${COMP_LINE:0:COMP_POINT} i word rest last='' skip=''
	words=() piece=
	for ((i = 0; i <= COMP_CWORD; i++)); do
		rest=${line#"${line%%[![:space:]]*}"}
		word=${COMP_WORDS[i]}
		((i == COMP_CWORD)) && word=$rest
		if [[ $word == [\<\>]* ]]; then # a redirection and its file are none of mpx's words
			skip=1
		elif [[ $skip ]]; then
			skip=
		elif [[ $rest == "$line" && $i -gt 0 && ($word == [=:]* || $last == *[=:]) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		line=${rest#"$word"} last=$word
	done
	[[ $last == *[!=:]* ]] && piece=$last
}

# _mpx_plain sets plain to the word $1 without its quotes.
_mpx_plain() {
	case $1 in
	\'*) plain=${1#\'} plain=${plain%\'} ;;
	\"*) plain=${1#\"} plain=${plain%\"} ;;
	*) plain=${1//\\/} ;;
	esac
}

# _mpx_described puts what each of COMPREPLY means beside it; $1 is the longest.
_mpx_described() {
	local i room=$((${COLUMNS:-80} - $1 - 4))
	for i in "${!COMPREPLY[@]}"; do
		[[ ${about[i]} && $room -gt 8 ]] || continue
		printf -v "COMPREPLY[$i]" '%-*s  (%s)' "$1" "${COMPREPLY[i]}" "${about[i]:0:room}"
	done
}

_mpx() {
	local words piece plain typed flag='' skip out line directive longest=0 i about=()
	COMPREPLY=()
	_mpx_words
	for i in "${!words[@]}"; do
		_mpx_plain "${words[i]}"
		words[i]=$plain
	done
	typed=${words[-1]}
	mapfile -t out < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
	[[ ${#out[@]} -gt 0 && ${out[-1]} == :[0-9]* ]] || return
	directive=${out[-1]#:}
	unset 'out[-1]'
	((directive & 1)) && return
	[[ $typed == -*=* ]] && flag=${typed%%=*}=
	if ((directive & 16)); then
		compopt -o filenames
		mapfile -t out < <(compgen -d -- "${typed#"$flag"}")
	fi
	((directive & 2)) && compopt -o nospace
	((directive & 4)) && compopt +o default
	((directive & 32)) && compopt -o nosort
	_mpx_plain "$piece"
	skip=${typed%"$plain"}
	for line in "${out[@]}"; do
		[[ $flag$line == "$typed"* ]] || continue
		line=$flag$line
		COMPREPLY+=("${line%%$'\t'*}")
		COMPREPLY[-1]=${COMPREPLY[-1]#"$skip"}
		about+=("${line#"${line%%$'\t'*}"}")
		about[-1]=${about[-1]#$'\t'}
		((${#COMPREPLY[-1]} > longest)) && longest=${#COMPREPLY[-1]}
	done
	# 63 is the second TAB, which lists.
	[[ ${COMP_TYPE-} == 63 && ${#COMPREPLY[@]} -gt 1 ]] && _mpx_described "$longest"
	return 0
}

complete -o default -F _mpx mpx
