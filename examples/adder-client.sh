#!/bin/sh
# The client of adder-server.sh: prints the sum of A and B.
#
#   adder-client.sh A B
#
# Where there may be several clients at a time, the lock gives each its own answer; one
# that was killed may have left its own, so the answer names whose it is.
set -eu
pipe=${PIPE:-adder}
if [ "${LOCKED:-}" != yes ]; then
	LOCKED=yes exec mpx lock "$pipe.client" sh "$0" "$@"
fi
nl='
'
mpx pipe send "$pipe:1" -- "$$$nl$1$nl$2"
answer=
until [ "${answer%%"$nl"*}" = "$$" ]; do
	answer=$(mpx pipe recv "$pipe:1" --timeout 1m)
done
printf '%s\n' "${answer#*"$nl"}"
