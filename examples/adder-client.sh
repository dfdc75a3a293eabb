#!/bin/sh
# The client of adder-server.sh: prints the sum of A and B.
#
#   adder-client.sh A B
#
# Where there may be several clients at a time, the lock gives each its own answer.
set -eu
pipe=${PIPE:-adder}
if [ "${LOCKED:-}" != yes ]; then
	LOCKED=yes exec mpx lock "$pipe.client" "$0" "$@"
fi
mpx pipe send "$pipe:1" -- "$1
$2"
mpx pipe recv "$pipe:1" --timeout 1m
