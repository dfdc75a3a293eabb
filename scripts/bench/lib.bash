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
# machine does meets all alike. Each run is a line in $tmp/times.CONTENDER. The
# number of rounds is $rounds.
race() {
	local c i
	for c in "$@"; do : >"$tmp/times.$c"; done
	for ((i = 0; i < rounds; i++)); do
		for c in "$@"; do stopwatch "$c" >>"$tmp/times.$c"; done
	done
}

# raced CONTENDER: it has times.
raced() { [ -s "$tmp/times.$1" ]; }

# stopwatch CONTENDER: prints its wall and its processor seconds, and what share
# of the processors other programs had meanwhile, in per cent.
stopwatch() {
	local TIMEFORMAT='%3R %3U %3S' before
	before=$(busy_ticks)
	{ time "$1" >"$tmp/out.$1" 2>"$tmp/err.$1"; } 2>"$tmp/time" ||
		fail "$1 failed: $(tail -n 3 "$tmp/err.$1")"
	awk -v ticks=$(($(busy_ticks) - before)) -v hz="$(getconf CLK_TCK)" -v n="$(nproc)" '{
		others = $1 > 0 ? 100 * (ticks / hz - $2 - $3) / ($1 * n) : 0
		printf "%s %.3f %d\n", $1, $2 + $3, (others > 0 ? others : 0)
	}' "$tmp/time"
}

# busy_ticks: clock ticks of processor time that the machine has spent at work.
busy_ticks() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }

# pairs MINE THEIRS: the rounds, a line each: MINE's three figures, THEIRS' three.
# Rounds that others disturbed count only if fewer than three are calm: then the
# line begins with ~.
pairs() {
	paste -d ' ' "$tmp/times.$1" "$tmp/times.$2" | awk '
		{ all[NR] = $0 }
		$3 <= 15 && $6 <= 15 { calm[++n] = $0 }
		END {
			if (n >= 3) for (i = 1; i <= n; i++) print "=", calm[i]
			else for (i = 1; i <= NR; i++) print "~", all[i]
		}'
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
	pairs "$2" "$3" | awk -v c="$1" -v a="${units[$2]}" -v b="${units[$3]}" -v lower="${4-}" '
		{ mine = $(c+1) / a; theirs = $(c+4) / b }
		mine > 0 && theirs > 0 { print lower ? mine / theirs : theirs / mine }'
}

# rate SECONDS COUNT UNIT: as text: units a second, or time a unit.
rate() {
	awk -v s="$1" -v n="$2" -v unit="$3" 'BEGIN {
		if (unit == "ms") printf "%.2f ms\n", s / n * 1000
		else if (unit == "s") printf "%.2f s\n", s / n
		else printf "%.0f %s\n", n / s, unit
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
	local r cpu others mine theirs noisy=
	r=$(ratios 1 "$5" "$6" "${9-}" | median range)
	cpu=$(ratios 2 "$5" "$6" "${9-}" | median)
	mine=$(pairs "$5" "$6" | cut -d ' ' -f 2 | median)
	theirs=$(pairs "$5" "$6" | cut -d ' ' -f 5 | median)
	others=$(pairs "$5" "$6" | awk '{ print ($4 + $7) / 2 }' | median)
	pairs "$5" "$6" | grep -q '^~' && noisy=' ~'
	table "$1" "$2" "$3" "$(rate "$mine" "${units[$5]}" "$4")" "$(rate "$theirs" "${units[$6]}" "$4")" \
		"$r" "$(printf %.2f "$cpu")" "${others%.*}%" "$7" "$8" "$(verdict "${r%% *}" "$7" "$8" "${9-}")$noisy"
}
