#!/bin/sh
# A server that adds what its client sends it, two things at a time: numbers give
# their sum, strings are joined. It ends when the client closes its end of the pipe.
#
#   adder-server.sh [NAME]       in one terminal
#   adder-client.sh 3 4          in another; and again, as often as you like
#   mpx pipe close adder:1
set -eu
pipe=${1:-adder}
mpx pipe create "$pipe" --if-missing
trap 'mpx pipe rm "$pipe"' EXIT

while request=$(mpx pipe recv "$pipe:2"); do # two lines
	a=${request%%"
"*}
	b=${request#*"
"}
	case ${a#-}.${b#-} in # numbers, or not
	*[!0-9.]* | .* | *.) sum=$a$b ;;
	*) sum=$((a + b)) ;;
	esac
	mpx pipe send "$pipe:2" -- "$sum"
done
echo "the client is gone"
