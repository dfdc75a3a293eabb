#!/bin/sh
# A consumer at the end of a pipe. There is no sentinel: when the producer closes its
# end, and all has been received, recv has come to the end, with status 3.
#
#   pipe-end.sh [ITEM...]     items 1 to 5
set -eu
[ $# -gt 0 ] || set -- 1 2 3 4 5
pipe=pipe.$$ # of this run alone

mpx pipe create "$pipe" --simplex # end 2 sends, end 1 receives
trap 'mpx pipe rm "$pipe"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

consumer() {
	while item=$(mpx pipe recv "$pipe:1"); do
		echo "got $item"
	done
	echo "that was all"
}
consumer &

for item in "$@"; do
	mpx pipe send "$pipe:2" -- "$item" # which may begin with -
done
mpx pipe close "$pipe:2"
wait
