#!/bin/sh
# A process that tells the time, while the script does something else: Process with
# start and join.
#
#   clock.sh [INTERVAL [TIMES]]     every 15 seconds, 5 times
set -eu
interval=${1:-15} times=${2:-5}

clock=$(mpx process start --die-with-parent -- sh -c '
	i=0
	while [ "$i" -lt "$2" ]; do
		echo "The time is $(date)"
		sleep "$1"
		i=$((i + 1))
	done' clock "$interval" "$times")

trap 'mpx process kill "$clock"; mpx process join "$clock" || :; mpx process rm "$clock"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

mpx process log -f "$clock" # what it prints, until it ends
mpx process join "$clock"
