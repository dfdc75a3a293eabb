# The rows of workers that stay: shells, filters.
# shellcheck shell=bash disable=SC2154,SC2016

mpx_shell() { "$mpx" map -j "$jobs" --worker shell 'echo $(( $1 * 2 ))' <"$tmp/records"; }
xargs_fresh() { xargs -P "$jobs" -n 1 sh -c 'echo $(( $1 * 2 ))' sh <"$tmp/records"; }

shell_row() {
	if ! have xargs; then skip 10 'no xargs'; return; fi
	units+=([mpx_shell]=$tasks [xargs_fresh]=$tasks)
	head -n "$tasks" "$tmp/numbers" >"$tmp/records"
	seq 2 2 $((2 * tasks)) >"$tmp/expected"
	race mpx_shell xargs_fresh
	same "$tmp/out.mpx_shell" "$tmp/expected" 'mpx map --worker shell, the doubled input'
	compare 10 "$tasks x echo \$((…)), --worker shell" "xargs -P$jobs sh -c" /s mpx_shell xargs_fresh 3 5
}

# The real interpreter: a version manager's shim costs as much as the work.
find_python() { python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null); }

mpx_cat() { "$mpx" map -j "$jobs" --worker filter cat <"$tmp/million"; }
imap_1() { "$python" "$here/bench/imap.py" "$jobs" 30000 1; }
imap_100() { "$python" "$here/bench/imap.py" "$jobs" 500000 100; }

filter_row() {
	local python rounds=$rounds
	if ! find_python; then skip 11 'no python3'; return; fi
	units+=([mpx_cat]=1000000 [imap_1]=30000 [imap_100]=500000)
	race mpx_cat imap_1 imap_100
	same "$tmp/out.mpx_cat" "$tmp/million" 'mpx map --worker filter cat, its input'
	compare 11 '1000000 records, --worker filter cat' 'imap_unordered, chunksize 1' /s mpx_cat imap_1 60 200
	compare '' '... in order, from start to end' '... chunksize 100' /s mpx_cat imap_100 3 -
}

mpx_python() { "$mpx" map -j "$jobs" --worker filter "$python" -u "$here/bench/filter.py" <"$tmp/million"; }
mpx_python_1() { "$mpx" map -j 1 --worker filter "$python" -u "$here/bench/filter.py" <"$tmp/million"; }
python_pipe() { "$python" -u "$here/bench/filter.py" <"$tmp/million" | cat; }

python_row() {
	local python rounds=$(((rounds + 1) / 2))
	if ! find_python; then skip 12 'no python3'; return; fi
	units+=([mpx_python]=1000000 [mpx_python_1]=1000000 [python_pipe]=1000000)
	race mpx_python mpx_python_1 python_pipe
	same "$tmp/out.mpx_python" "$tmp/million" 'mpx map --worker filter python3, its input'
	compare 12 '1000000 records, python3 filter, -j 1' 'the filter alone in a pipe' /s mpx_python_1 python_pipe 0.7 -
	compare '' "... -j $jobs" '...' /s mpx_python python_pipe 0.7 -
}

leaking() { "$mpx" map -j "$jobs" --initializer 'sleep 0.05' "$@" --worker filter "$tmp/leak" <"$tmp/records"; }
mpx_recycled() { leaking --max-worker-memory 200M; }
mpx_leaking() { leaking; }

# Without a limit it takes as many megabytes as there are records.
recycle_row() {
	local rounds=$(((rounds + 1) / 2)) n=${BENCH_LEAK:-4000}
	if ! "${CC:-gcc}" -O2 -o "$tmp/leak" "$here/bench/leak.c" 2>/dev/null; then skip 13 'no C compiler'; return; fi
	units+=([mpx_recycled]=$n [mpx_leaking]=$n)
	seq "$n" >"$tmp/records"
	race mpx_recycled mpx_leaking
	same "$tmp/out.mpx_recycled" "$tmp/records" 'mpx map --max-worker-memory, its input'
	compare 13 "$n records leak 1 MB, limit 200M" 'the same without a limit' /s mpx_recycled mpx_leaking 0.8 -
}

# What a task costs in wall time, by the number of workers and of tasks, and what
# it would cost without mpx: started by a bare loop in C, forked by bare loops of
# as many shells, copied by cat in a pipe. The time of N tasks less that of one,
# so that the first start is out of it; the other workers' is not. Medians of three.
cost_row() {
	local j n most=${BENCH_COST:-10000}
	for j in 1 4 64; do
		for n in 100 10000 1000000; do
			seq "$n" >"$tmp/records"
			if [ "$n" -le "$most" ]; then
				cost 14 "a task of $n, -j $j: /bin/true" "$n" mpx_n "-j $j /bin/true x" floor_exec "$j"
				cost '' '... : with --worker shell' "$n" mpx_n "-j $j --worker shell :" floor_shell "$j"
			fi
			cost '' "... of $n, -j $j: --worker filter cat" "$n" mpx_n "-j $j --worker filter cat" floor_filter ''
		done
	done
}

# cost ROW WORK N MINE ARGS FLOOR ARGS: a line.
cost() {
	local mine floor
	mine=$(each "$3" "$4" "$5") floor=$(each "$3" "$6" "$7")
	table "$1" "$2" '' "$mine us" "$floor us" "$(awk -v a="$mine" -v b="$floor" 'BEGIN { if (b > 0) printf "%.2f", a / b }')" '' '' '' '' ''
}

# each N CONTENDER ARGS: microseconds a task.
each() {
	local t0 t1
	t0=$(thrice "$2" 1 "$3") t1=$(thrice "$2" "$1" "$3")
	awk -v a="$t0" -v b="$t1" -v n="$1" 'BEGIN { printf "%.3g", (b > a ? b - a : 0) / (n - 1) * 1e6 }'
}

thrice() {
	local TIMEFORMAT=%6R
	for _ in 1 2 3; do { time "$@" >/dev/null 2>&1; } 2>&1; done | median
}

# shellcheck disable=SC2086
mpx_n() { head -n "$1" "$tmp/records" | "$mpx" map $2; }
floor_exec() { "$tmp/spawn" "$2" "$1" /bin/true x 1; }
floor_shell() {
	local i
	for ((i = 0; i < $2; i++)); do
		sh -c 'i=0; while [ $i -lt $1 ]; do ( : ); i=$((i + 1)); done' sh $(($1 / $2 + 1)) &
	done
	wait
}
floor_filter() { head -n "$1" "$tmp/records" | cat | cat; }
