# What /proc says of a running mpx.
# shellcheck shell=bash

# workers PID: the pids of its children, one a line.
workers() { cat "/proc/$1/task/"*/children 2>/dev/null | tr -s ' ' '\n' | sed '/^$/d'; }

# busy PID: how many tasks run below its workers.
busy() {
	local w
	for w in $(workers "$1"); do cat "/proc/$w/task/"*/children; done 2>/dev/null | wc -w
}

# await PID COUNT: until that many tasks run at once; false after 30 s.
await() {
	local i
	for ((i = 0; i < 150; i++)); do
		[ "$(busy "$1")" -lt "$2" ] || return 0
		sleep 0.2
	done
	return 1
}

# ticks PID...: clock ticks of processor time, user and system, they have used.
ticks() {
	local p
	for p in "$@"; do
		sed 's/.*) //' "/proc/$p/stat" # the name may hold anything
	done 2>/dev/null | awk '{ n += $12 + $13 } END { print n + 0 }'
}

# ran PID...: the same in ns, as the scheduler counts, of every thread.
ran() {
	local p
	for p in "$@"; do cat "/proc/$p/task/"*/schedstat; done 2>/dev/null |
		awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# pss PID...: MB of memory, a page that n processes share counted 1/n in each.
pss() {
	local p
	for p in "$@"; do cat "/proc/$p/smaps_rollup"; done 2>/dev/null |
		awk '$1 == "Pss:" { kb += $2 } END { printf "%.1f\n", kb / 1024 }'
}

# field PID NAME: MB that /proc/PID/status gives for NAME.
field() { awk -v name="$2:" '$1 == name { printf "%.1f\n", $2 / 1024 }' "/proc/$1/status" 2>/dev/null; }

# peak PID: sets peak to the most memory, in MB, that the process itself has held
# when it ends. Its rusage would count its workers: theirs is the greatest of all.
peak() {
	local now
	while now=$(field "$1" VmHWM) && [ -n "$now" ]; do
		peak=$now
		sleep 0.05
	done
	wait "$1" || fail "mpx ended with status $?"
}

# end PID: mpx in the background, by SIGTERM.
end() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
