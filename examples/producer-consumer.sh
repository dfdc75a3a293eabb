#!/bin/sh
# A producer and its consumers share a queue (JoinableQueue). Each item is leased to a
# consumer until it is done: one that dies gives its item back, and join waits for
# all. At the end the consumers, which would go on for ever, end with the script.
#
#   producer-consumer.sh [CONSUMERS [ITEM...]]     one consumer; items 1 to 5
set -eu
consumers=${1:-1}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 1 2 3 4 5
queue=queue.$$ # of this run alone

mpx queue create "$queue"
trap 'mpx queue rm "$queue"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

# CONSUMERS processes, each with an item at a time.
pids=
for c in $(seq "$consumers"); do
	mpx queue get --follow "$queue" sh -c 'echo "consumer $0 got $1"' "$c" &
	pids="$pids $!"
done

mpx queue put "$queue" -- "$@"
mpx queue join "$queue"  # all are done
mpx queue close "$queue" # and the consumers end by themselves
for pid in $pids; do
	wait "$pid"
done
