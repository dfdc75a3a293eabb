#!/bin/sh
# A channel for messages of doubles, made of an array and two semaphores: one says
# that the array is empty, the other that it is full. It shows how they work together;
# mpx pipe is simpler, and mpx bench channel tells how fast such a channel can be.
#
#   float-channel.sh [MESSAGES [MAXSIZE]]     3 messages of up to 4 doubles
set -eu
messages=${1:-3} size=${2:-4}
ch=channel.$$ # of this run alone

mpx array create "$ch.buffer" --type f64 "$size"
mpx value create "$ch.length"
mpx semaphore create "$ch.empty" --value 1
mpx semaphore create "$ch.full" --value 0
trap 'mpx rm "$ch.buffer" "$ch.length" "$ch.empty" "$ch.full"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

send() { # VALUE...
	mpx semaphore acquire "$ch.empty"
	mpx array set "$ch.buffer" 0 "$@"
	mpx value set "$ch.length" $#
	mpx semaphore release "$ch.full"
}
receive() { # prints them on a line
	mpx semaphore acquire "$ch.full"
	# shellcheck disable=SC2046 # a word each
	echo $(mpx array slice "$ch.buffer" 0 "$(mpx value get "$ch.length")")
	mpx semaphore release "$ch.empty"
}

producer() {
	for m in $(seq "$messages"); do
		# shellcheck disable=SC2046 # a word each
		send $(seq "$m" "$((m + (m - 1) % size))") # one double, two, three …
	done
}
producer &
for m in $(seq "$messages"); do
	receive
done
wait
