# The rows of shared objects. They have a directory of their own.
# shellcheck shell=bash disable=SC2154,SC2016

export MPX_DIR=$tmp/objects

# often N COMMAND...: one after another.
often() {
	local i n=$1
	shift
	for ((i = 0; i < n; i++)); do "$@"; done
}
mpx_locks() { often 300 "$mpx" lock bench.lock -- true; }
flock_and_floor() { often 300 flock "$tmp/lock" true && often 300 "$mpx" cpu-count; }
flocks() { often 300 flock "$tmp/lock" true; }
floors() { often 300 "$mpx" cpu-count; }

# A lock and its command cost as much as flock and theirs, and the start of mpx.
lock_row() {
	if ! have flock; then skip 15 'no flock'; return; fi
	units+=([mpx_locks]=300 [flock_and_floor]=300 [flocks]=300 [floors]=300)
	race mpx_locks flock_and_floor flocks floors
	compare 15 '300 x mpx lock NAME -- true' 'flock, and mpx cpu-count' ms mpx_locks flock_and_floor 1.15 - lower
	compare '' '...' 'flock alone' ms mpx_locks flocks - - lower
	compare '' '...' 'mpx cpu-count alone' ms mpx_locks floors - - lower
}

# contend N COMMAND...: all at once.
contend() {
	local i n=$1
	shift
	for ((i = 0; i < n; i++)); do "$@" & done
	wait
}
mpx_sems() { contend 1000 "$mpx" sem bench.sem -n 4 -- true; }
gnu_sems() { contend 100 parallel --semaphore --id "bench$$" -j 4 --fg true; }

sem_row() {
	local rounds=$(((rounds + 1) / 2))
	if ! have parallel; then skip 16 'no GNU parallel'; return; fi
	units+=([mpx_sems]=1 [gnu_sems]=1)
	race mpx_sems gnu_sems
	compare 16 '1000 x mpx sem NAME -n 4, at once' '100 x GNU sem' s mpx_sems gnu_sems 1 - lower
}

# channel_row has no contenders: mpx bench channel takes turns itself.
channel_row() {
	"$mpx" bench channel --size 800000 --runs 15 --json "$tmp/channel" >/dev/null 2>&1 || fail 'mpx bench channel failed'
	channel_line 17 ring memcpy 0.5 0.8
	channel_line '' ring Python 40 -
	channel_line '' 'float channel' memcpy - -
	channel_line '' 'float channel' Python 40 -
}

# channel_line NUMBER WAY AGAINST REQUIRED GOAL
channel_line() {
	local mine theirs r
	mine=$(channel_time "$2") theirs=$(channel_time "$3")
	if [ -z "$theirs" ]; then skip "$1" "no $3"; return; fi
	r=$(awk -v a="$mine" -v b="$theirs" 'BEGIN { printf "%.2f", b / a }')
	table "$1" "100,000 doubles, $2" "$3" "$(rate "$mine" 1 ms)" "$(rate "$theirs" 1 ms)" "$r" '' '' "$4" "$5" "$(verdict "$r" "$4" "$5")"
}

channel_time() { tr -d ' \n' <"$tmp/channel" | tr '{' '\n' | sed -n "s/^\"way\":\"${1// /}\".*\"median\":\([^,]*\).*/\1/p"; }

mpx_put() { "$mpx" queue put bench.queue <"$tmp/records"; }
mpx_get() { "$mpx" queue get --follow bench.queue | head -n 100000 >/dev/null; }

# A queue with few items in front, and with many: items put, and got, a second.
queue_row() {
	local before n=18
	units+=([mpx_put]=100000 [mpx_get]=100000)
	head -n 100000 "$tmp/million" >"$tmp/records"
	for before in 10 1000000; do
		"$mpx" queue create bench.queue
		seq "$before" | "$mpx" queue put bench.queue
		race mpx_put mpx_get
		queue_line "$n" "100000 items put, $before wait" mpx_put
		queue_line '' "100000 items got, $before wait" mpx_get
		"$mpx" queue rm bench.queue
		n=
	done
}

# queue_line NUMBER WORK CONTENDER
queue_line() {
	local seconds
	seconds=$(cut -d ' ' -f 1 "$tmp/times.$3" | median)
	table "$1" "$2" '' "$(rate "$seconds" 100000 /s)" '' '' '' '' 20000/s '' "$(verdict "$seconds" 5 - lower)"
}

mpx_applies() { often 100 "$mpx" pool apply bench.pool hi; }
floors_too() { often 100 "$mpx" cpu-count; }

# A task of a warm filter, over the start of mpx: the difference of each round.
apply_row() {
	local over
	"$mpx" pool start bench.pool -j1 --worker filter cat || fail 'mpx pool start failed'
	race mpx_applies floors_too
	"$mpx" pool terminate bench.pool
	over=$(pairs mpx_applies floors_too | awk '{ print ($2 - $5) / 100 * 1000 }' | median)
	table 19 'mpx pool apply to a warm filter' 'mpx cpu-count' \
		"$(rate "$(cut -d ' ' -f 1 "$tmp/times.mpx_applies" | median)" 100 ms)" \
		"$(rate "$(cut -d ' ' -f 1 "$tmp/times.floors_too" | median)" 100 ms)" \
		"+$over ms" '' '' '+1 ms' '' "$(verdict "$over" 1 - lower)"
}
