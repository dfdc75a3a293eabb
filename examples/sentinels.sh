#!/bin/sh
# Consumers that are told to end by an item that means so, a sentinel: one for each,
# as each takes one. The producer puts them when everything else is in the queue.
#
#   sentinels.sh [CONSUMERS [ITEM...]]     2 consumers; items 1 to 10
set -eu
consumers=${1:-2}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 1 2 3 4 5 6 7 8 9 10
queue=queue.$$ # of this run alone

consumer() {
	while item=$(mpx queue get --sentinel END "$queue"); do
		echo "consumer $1 got $item"
		mpx queue done "$queue"
	done
	echo "consumer $1 is at its end"
}

mpx queue create "$queue"
trap 'mpx queue rm "$queue"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without
for c in $(seq "$consumers"); do
	consumer "$c" &
done
mpx queue put "$queue" -- "$@"
for c in $(seq "$consumers"); do
	mpx queue put "$queue" END
done
wait
mpx queue join "$queue"
