#!/bin/sh
# A number that many jobs count in at the same time. No addition is lost, as it would
# be with `echo $(($(cat n) + 1)) >n`, and nobody takes a lock.
#
#   counter.sh [JOBS]     prints JOBS, or 50
set -eu
jobs=${1:-50}
counter=counter.$$ # of this run alone

mpx value create "$counter"
trap 'mpx value rm "$counter"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

i=0
while [ "$i" -lt "$jobs" ]; do
	mpx value add "$counter" 1 >/dev/null & # without >/dev/null: the number after it
	i=$((i + 1))
done
wait

mpx value get "$counter"
