# The rows, by their numbers. Each races its contenders and prints its lines.
# shellcheck shell=bash disable=SC2154

wanted() { case " $selected " in *" $1 "*) return 0 ;; esac; return 1; }

# Each task is /bin/true x RECORD: with one argument GNU true would set up its
# locale, a quarter of its time, and it is the starting that is measured.
mpx_true() { "$mpx" map -j "$jobs" /bin/true x <"$tmp/records"; }
xargs_true() { xargs -P "$jobs" -n 1 /bin/true x <"$tmp/records"; }
spawn_true() { "$tmp/spawn" "$jobs" "$tasks" /bin/true x 1; }
spawn_redirected() { "$tmp/spawn" -r "$jobs" "$tasks" /bin/true x 1; }

# Rows 1 and 2 share mpx's runs.
true_rows() {
	local c=(mpx_true)
	units+=([mpx_true]=$tasks [xargs_true]=$tasks [spawn_true]=$tasks [spawn_redirected]=$tasks)
	head -n "$tasks" "$tmp/numbers" >"$tmp/records"
	if wanted 1; then
		if have xargs; then c+=(xargs_true); else skip 1 'no xargs'; fi
	fi
	if wanted 2; then
		if [ -x "$tmp/spawn" ]; then c+=(spawn_true spawn_redirected); else skip 2 'no C compiler'; fi
	fi
	[ ${#c[@]} -gt 1 ] || return 0
	race "${c[@]}"
	same "$tmp/out.mpx_true" /dev/null 'mpx map /bin/true'
	raced xargs_true &&
		compare 1 "$tasks x /bin/true, in order" "xargs -P$jobs, collects nothing" /s mpx_true xargs_true 1.2 1.4
	raced spawn_true &&
		compare 2 "$tasks x /bin/true, in order" 'C loop of posix_spawn' /s mpx_true spawn_true 0.72 0.80 &&
		compare '' '' '... redirecting three' /s mpx_true spawn_redirected - -
}

# shellcheck disable=SC2016
mpx_sh() { "$mpx" map -j "$jobs" sh -c 'echo "$1"' sh <"$tmp/records"; }
# shellcheck disable=SC2016
xargs_sh() { head -n "$few" "$tmp/records" | xargs -P "$jobs" -n 1 sh -c 'echo "$1"' sh; }
parallel_sh() { head -n "$few" "$tmp/records" | PARALLEL_SHELL=/bin/sh parallel --plain --will-cite -k -j "$jobs" echo; }

# A shell a task for all three: parallel starts one by itself.
sh_row() {
	local few=$((tasks / 5)) rounds=$(((rounds + 1) / 2)) c=(mpx_sh)
	units+=([mpx_sh]=$tasks [xargs_sh]=$few [parallel_sh]=$few)
	head -n "$tasks" "$tmp/numbers" >"$tmp/records"
	head -n "$few" "$tmp/numbers" >"$tmp/expected"
	if have parallel && parallel --version 2>/dev/null | grep -q GNU; then c+=(parallel_sh); else skip 3 'no GNU parallel'; fi
	if have xargs; then c+=(xargs_sh); fi
	[ ${#c[@]} -gt 1 ] || return 0
	race "${c[@]}"
	same "$tmp/out.mpx_sh" "$tmp/records" 'mpx map sh -c echo, its input'
	if raced parallel_sh; then
		same "$tmp/out.parallel_sh" "$tmp/expected" 'parallel echo, its input'
		compare 3 "$tasks x sh -c 'echo ...', in order" "GNU parallel -k, $few" /s mpx_sh parallel_sh 5 8
	fi
	if raced xargs_sh; then
		sort -n "$tmp/out.xargs_sh" >"$tmp/sorted"
		same "$tmp/sorted" "$tmp/expected" 'xargs echo, its input'
		compare '' '' "xargs -P$jobs sh -c, $few" /s mpx_sh xargs_sh - -
	fi
}

mpx_digest() { (cd "$tmp/tree" && "$mpx" digest -j "$jobs" .); }
xargs_digest() { (cd "$tmp/tree" && find . -type f -print0 | xargs -0 -P "$jobs" -n 20 sha512sum); }

# plant GB: a tree of that much: two fifths in four big files, a quarter in
# files of 16 kB, the rest in files of 1 MB, spread over 16 directories.
plant() {
	local mb=$(awk -v gb="$1" 'BEGIN { print int(gb * 1024) }') i
	for ((i = 0; i < 16; i++)); do
		mkdir -p "$tmp/tree/d$i"
		(cd "$tmp/tree/d$i" &&
			head -c "$((mb * 64))K" /dev/urandom >all && # a sixteenth
			{ [ $((i % 4)) != 0 ] || cat all <(head -c "$((mb * 38))K" all) >big.tmp; } &&
			head -c "$((mb * 16))K" all | split -a 4 -b 16K - small. &&
			{ head -c "$((mb * 22))K" all | split -a 4 -b 1M - medium.; } &&
			rm all && { [ ! -f big.tmp ] || mv big.tmp big; })
	done
}

digest_row() {
	if ! have sha512sum || ! have xargs; then skip 4 'no sha512sum or no xargs'; return; fi
	local mb files
	plant "$gb"
	mb=$(du -s --apparent-size -BM "$tmp/tree" | tr -dc 0-9' \t' | cut -f 1)
	files=$(find "$tmp/tree" -type f | wc -l)
	units+=([mpx_digest]=$mb [xargs_digest]=$mb)
	find "$tmp/tree" -type f -exec cat {} + >/dev/null # into the cache
	race mpx_digest xargs_digest
	sed 's|  \./|  |' "$tmp/out.mpx_digest" | sort >"$tmp/mine"
	sed 's|  \./|  |' "$tmp/out.xargs_digest" | sort >"$tmp/theirs"
	same "$tmp/mine" "$tmp/theirs" 'digest against sha512sum'
	compare 4 "digest of $mb MB in $files cached files" "find|xargs -P$jobs sha512sum" MB/s mpx_digest xargs_digest 1.2 1.6
	rm -r "$tmp/tree"
}

mpx_retire() { "$mpx" map -j "$jobs" --maxtasksperchild 3 /bin/true x <"$tmp/records"; }
python_retire() { "$python" "$here/bench/pool.py" "$jobs" "$few" 3; }

retire_row() {
	local few=$((tasks / 5)) python
	# The interpreter itself: a version manager's shim costs as much as the work.
	if ! python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null); then skip 5 'no python3'; return; fi
	units+=([mpx_retire]=$few [python_retire]=$few)
	head -n "$few" "$tmp/numbers" >"$tmp/records"
	race mpx_retire python_retire
	compare 5 "$few x /bin/true, maxtasksperchild 3" "Python's Pool, empty function" /s mpx_retire python_retire 1.0 1.5
}

starts=50
mpx_once() { "$tmp/spawn" 1 $starts "$mpx" map /bin/true x ::: a; }
hello_once() { "$tmp/spawn" 1 $starts "$tmp/hello" && "$tmp/spawn" 1 $starts /bin/true x a; }

start_row() {
	if ! [ -x "$tmp/spawn" ]; then skip 6 'no C compiler'; return; fi
	if ! CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$tmp/hello" "$here/bench/hello.go" 2>/dev/null; then
		skip 6 'no Go'
		return
	fi
	units+=([mpx_once]=$starts [hello_once]=$starts)
	race mpx_once hello_once
	compare 6 'one task, start to end' 'Go hello, then /bin/true' ms mpx_once hello_once 3 2 lower
}

# peak_of RECORDS ARG...: sets peak to that of mpx map ARG... over so many records.
peak_of() {
	local n=$1
	shift
	"$mpx" map -j "$jobs" "$@" < <(seq "$n") >/dev/null 2>"$tmp/err.peak" &
	peak $!
}

# memory BASE WORK RECORDS ARG...: one line. The same is within a quarter: the
# collector's timing alone moves it a tenth.
memory() {
	local base=$1 work=$2 ratio verdict=SHORT
	shift 2
	peak_of "$@"
	ratio=$(awk -v a="$peak" -v b="$base" 'BEGIN { printf "%.2f", a / b }')
	[ "$(verdict "$peak" 40 - lower)" = holds ] && verdict=$(verdict "$ratio" 1.25 - lower)
	table 7 "$work" '10000 x /bin/true' "$peak MB" "$base MB" "$ratio" '' '' 'same,<40' '' "$verdict"
}

memory_row() {
	local peak base
	peak_of 10000 /bin/true x
	base=$peak
	memory "$base" "supervisor's peak, $records x /bin/true" "$records" /bin/true x
	memory "$base" "supervisor's peak, 10000000, -n 1000" 10000000 -n 1000 /bin/true
}

idle_row() {
	local pid all t0 r0 t r
	"$mpx" map -j 4 sleep ::: 60 60 60 60 >/dev/null 2>&1 &
	pid=$!
	if await "$pid" 4; then
		sleep 1
		all="$pid $(workers "$pid")"
		# shellcheck disable=SC2086
		t0=$(ticks $all) r0=$(ran $all)
		sleep 3
		# shellcheck disable=SC2086
		t=$(($(ticks $all) - t0)) r=$(($(ran $all) - r0))
		table 8 'idle pool, 4 tasks asleep, 3 s' '' "$t ticks" "$((r / 1000)) us" '' '' '' 0 '' "$(verdict "$t" 0 0 lower)"
	else
		fail 'four tasks did not start'
	fi
	end "$pid"
}

mpx_many() { yes 1 | head -n 1000 | "$mpx" map -j 1000 sleep; }
xargs_many() { yes 1 | head -n 1000 | xargs -P 1000 -n 1 sleep; }

many_row() {
	local rounds=$(((rounds + 1) / 2)) pid
	units+=([mpx_many]=1 [xargs_many]=1)
	if have xargs; then
		race mpx_many xargs_many
		compare 9 '1000 x sleep 1, -j 1000' 'xargs -P 1000' s mpx_many xargs_many - - lower
	else
		skip 9 'no xargs'
	fi
	"$mpx" map -j 1000 sleep < <(yes 60 | head -n 1000) >/dev/null 2>&1 &
	pid=$!
	if await "$pid" 1000; then
		# shellcheck disable=SC2046
		table 9 'memory: supervisor; 1000 workers (PSS)' '' "$(field "$pid" VmRSS) MB" "$(pss $(workers "$pid")) MB" '' '' '' '' '' ''
	else
		fail 'a thousand tasks did not start'
	fi
	end "$pid"
}
