#!/bin/sh
# A server that adds what its client sends it, two things at a time: whole numbers give
# their sum, all else is joined. It ends when the client closes its end of the pipe.
#
#   adder-server.sh [NAME]       in one terminal
#   adder-client.sh 3 4          in another; and again, as often as you like
#   mpx pipe close adder:1
set -eu
pipe=${1:-adder}
mpx pipe create "$pipe" --if-missing
trap 'mpx pipe rm "$pipe"' EXIT
trap 'exit 1' HUP INT TERM # and then that; dash would leave without

number() { # one that $(( )) takes: no 08, which begins as octal ones do
	case ${1#-} in
	'' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;;
	esac
}

nl='
'
while request=$(mpx pipe recv "$pipe:2"); do # three lines, the last of which may be empty
	client=${request%%"$nl"*}
	request=${request#"$client$nl"}
	a=${request%%"$nl"*}
	b=${request#"$a"}
	b=${b#"$nl"}
	if number "$a" && number "$b"; then sum=$((a + b)); else sum=$a$b; fi
	mpx pipe send "$pipe:2" -- "$client$nl$sum"
done
echo "the client is gone"
