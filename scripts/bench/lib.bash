# What every row of bench-peers uses: timing in turns, medians, the table.
# A contender is a function that does the whole of one side's work, once. How
# much that is, in the units of its rate, is units[contender].
# shellcheck shell=bash disable=SC2034

declare -A units
status=0 # of bench-peers: 1 once a side has failed or outputs have disagreed

have() { command -v "$1" >/dev/null 2>&1; }

skip() { printf '%-3s skipped: %s\n' "$1" "$2"; }

fail() {
	printf 'bench-peers: %s\n' "$*" >&2
	status=1
}

# same A B WHAT: the two files must be equal.
same() { cmp -s "$1" "$2" || fail "$3: outputs disagree"; }

# race CONTENDER...: every one once a round, in turns, so that whatever else the
# machine does meets all alike. Seconds of wall and processor time of each round
# go to $tmp/times.CONTENDER. The number of rounds is $rounds.
race() {
	local c i before
	for c in "$@"; do : >"$tmp/times.$c"; done
	before=$(busy_ticks)
	for ((i = 0; i < rounds; i++)); do
		for c in "$@"; do stopwatch "$c" >>"$tmp/times.$c"; done
	done
	for c in "$@"; do cat "$tmp/times.$c"; done |
		awk -v ticks=$(($(busy_ticks) - before)) -v hz="$(getconf CLK_TCK)" -v n="$(nproc)" '
			{ wall += $1; own += $2 }
			END { if (wall > 0) print int(100 * (ticks / hz - own) / (wall * n)) }' >"$tmp/others"
}

# busy_ticks: clock ticks of processor time that the machine has spent at work.
busy_ticks() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }

# raced CONTENDER: it has times.
raced() { [ -s "$tmp/times.$1" ]; }

# stopwatch CONTENDER: prints its wall and its processor seconds.
stopwatch() {
	local TIMEFORMAT='%3R %3U %3S'
	{ time "$1" >"$tmp/out.$1" 2>"$tmp/err.$1"; } 2>"$tmp/time" ||
		fail "$1 failed: $(tail -n 3 "$tmp/err.$1")"
	awk '{ print $1, $2 + $3 }' "$tmp/time"
}

# median: of the numbers on stdin; with "range", the least and the greatest too.
median() {
	sort -g | awk -v range="${1-}" '{ v[NR] = $1 }
		END {
			m = NR % 2 ? v[(NR+1)/2] : (v[NR/2] + v[NR/2+1]) / 2
			if (range == "") printf "%.4g\n", m
			else printf "%.2f (%.2f-%.2f)\n", m, v[1], v[NR]
		}'
}

# ratios COLUMN MINE THEIRS [lower]: MINE's rate over THEIRS, a line a round, in
# wall (1) or processor (2) time; with lower, the time over the time.
ratios() {
	paste -d ' ' "$tmp/times.$2" "$tmp/times.$3" |
		awk -v c="$1" -v a="${units[$2]}" -v b="${units[$3]}" -v lower="${4-}" '
			{ mine = $c / a; theirs = $(c+2) / b }
			mine > 0 && theirs > 0 { print lower ? mine / theirs : theirs / mine }'
}

# rate CONTENDER UNIT: its median, as text: units a second, or time a unit.
rate() {
	cut -d ' ' -f 1 "$tmp/times.$1" | median |
		awk -v n="${units[$1]}" -v unit="$2" '{
			if (unit == "ms") printf "%.2f ms\n", $1 / n * 1000
			else if (unit == "s") printf "%.2f s\n", $1 / n
			else printf "%.0f %s\n", n / $1, unit
		}'
}

# verdict VALUE REQUIRED GOAL [lower]; a bound of - does not exist.
verdict() {
	awk -v v="$1" -v r="$2" -v g="$3" -v lower="${4-}" 'BEGIN {
		if (lower) { v = -v; if (r != "-") r = -r; if (g != "-") g = -g }
		if (r == "-") print ""
		else if (v < r) print "SHORT"
		else print g == "-" || v < g ? "holds" : "goal"
	}'
}

# table NUMBER WORK AGAINST MINE THEIRS RATIO CPU OTHERS REQUIRED GOAL VERDICT
table() {
	printf '%-3s %-39s %-27s %12s %12s  %-17s %5s %6s %8s %5s  %s\n' "$@"
}

# compare NUMBER WORK AGAINST UNIT MINE THEIRS REQUIRED GOAL [lower]: a row.
compare() {
	local r cpu
	r=$(ratios 1 "$5" "$6" "${9-}" | median range)
	cpu=$(ratios 2 "$5" "$6" "${9-}" | median)
	table "$1" "$2" "$3" "$(rate "$5" "$4")" "$(rate "$6" "$4")" "$r" "$(printf %.2f "$cpu")" \
		"$(<"$tmp/others")%" "$7" "$8" "$(verdict "${r%% *}" "$7" "$8" "${9-}")"
}
