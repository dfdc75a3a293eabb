#!/bin/sh
# Downloads, never more than four at a time: not four for each run of this script,
# but four in all, over every terminal, cron job and script of yours that names the
# same sem.
#
#   limit-downloads.sh URL...
#   limit-downloads.sh -c 'wget -q' URL...    another command; the URL is its last word
#
# Start it in two terminals: `mpx ls downloads` in a third one shows who downloads
# and who waits. A download that is killed, with -9, too, makes room at once.
set -u
download='curl -fsSLO'
if [ "${1-}" = -c ]; then
	download=$2
	shift 2
fi

# Each download is a job in the background, and mpx sem lets the first four begin.
# exec: the shell becomes the download, so there is one process, which has the slot.
pids=
for url; do
	mpx sem downloads -n 4 sh -c "exec $download"' "$1"' download "$url" &
	pids="$pids $!"
done

# Bare `wait` would forget how they ended.
failed=0
for pid in $pids; do
	wait "$pid" || failed=$((failed + 1))
done
if [ "$failed" -gt 0 ]; then
	echo "$failed of $# downloads have failed" >&2
	exit 1
fi
