#!/bin/sh
# Load generators that begin all at once: each makes itself ready, which may take it
# a while, and waits for the start gun. It is fired when the last one is ready.
#
#   start-gun.sh [N [COMMAND [ARG]...]]
#   start-gun.sh 8 ab -n 1000 http://localhost:8080/
#   PREPARE=./log-in start-gun.sh 8 ./load
set -eu
n=${1:-4}
if [ $# -gt 0 ]; then shift; fi
if [ $# = 0 ]; then set -- date +%T.%N; fi # tell when it began

go=go.$$ ready=ready.$$ # of this run alone
mpx semaphore create "$ready" --value 0
trap 'mpx rm "$go" "$ready"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

generator() {
	${PREPARE:-true} || exit
	mpx semaphore release "$ready"
	mpx event wait "$go" --timeout 1m && "$@" # 1m: should nobody fire
}

i=0
while [ "$i" -lt "$n" ]; do
	generator "$@" &
	i=$((i + 1))
done

# Once for each generator. If one has died before it was ready, this ends after 30 s.
while [ "$i" -gt 0 ]; do
	mpx semaphore acquire "$ready" --timeout 30s
	i=$((i - 1))
done
mpx event set "$go" # it stays set: who comes to its wait only now does not miss it
wait
