#!/bin/sh
# One deployment at a time, whoever starts it, from whichever terminal or job. Who
# comes second does not wait: it is told who is at it, and ends with status 75.
#
#   deploy-lock.sh COMMAND [ARG]...
#   deploy-lock.sh ./deploy.sh production
#
# The lock is free again as soon as the deployment has ended, however it did: there
# is no lock file that a crash leaves and somebody has to remove.
set -u
busy=75 # "try again later" in sysexits.h; a status that the deployment does not use

# mpx lock becomes the command, so its status is the command's; -E keeps apart from
# it that the lock was not free.
status=0
mpx lock deploy --nonblock -E "$busy" -- "$@" || status=$?
if [ "$status" = "$busy" ]; then
	echo 'another deployment is running:' >&2
	mpx ls deploy >&2
fi
exit "$status"
