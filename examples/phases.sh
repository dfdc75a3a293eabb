#!/bin/sh
# Workers that work in two phases. None begins the second one before all have ended
# the first: what they have loaded is all there when they compute.
#
#   phases.sh [WORKERS [LOAD COMPUTE]]
#
# LOAD and COMPUTE are commands, which get the worker's number, from 1. If a worker
# dies while it waits, the others are told at once; if its LOAD has failed, they wait
# for it as long as LIMIT says, 10m. Either way they do not compute, and the status
# is 1.
set -u
workers=${1:-3}
load=${2:-default_load} compute=${3:-default_compute}
phase=phase.$$ # of this run alone
trap 'mpx rm "$phase"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

default_load() {
	sleep "0.$1" # each takes another time
	echo "worker $1 has loaded"
}
default_compute() { echo "worker $1 computes"; }

worker() {
	"$load" "$1" || exit
	mpx barrier wait "$phase" -n "$workers" --timeout "${LIMIT:-10m}" >/dev/null || exit
	"$compute" "$1"
}

pids=
for i in $(seq "$workers"); do
	worker "$i" &
	pids="$pids $!"
done
status=0
for pid in $pids; do
	wait "$pid" || status=1
done
exit "$status"
