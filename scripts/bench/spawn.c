/* spawn [-r] JOBS COUNT COMMAND [ARG]...
 *
 * Runs COMMAND COUNT times, JOBS at a time, by posix_spawn and wait, and does
 * nothing else: the most tasks a second that this machine can start. COMMAND is
 * a path. Without -r nothing is redirected; with -r each process gets three
 * descriptors of its own, as any program that collects output must arrange.
 * The exit status is 1 if a process could not be started or failed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* to_null has the three standard descriptors redirected to one that is open. */
static int to_null(posix_spawn_file_actions_t *acts)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int err = fd < 0;

	for (int to = 0; to <= 2 && !err; to++)
		err = posix_spawn_file_actions_adddup2(acts, fd, to);
	return err;
}

/* run keeps jobs processes running until count have ended; it returns how many failed. */
static int run(char **argv, posix_spawn_file_actions_t *acts, int jobs, int count)
{
	int started = 0, failed = 0;

	for (int ended = 0; ended < count; ended++) {
		int status;

		while (started < count && started - ended < jobs) {
			pid_t pid;
			int err = posix_spawn(&pid, argv[0], acts, NULL, argv, environ);

			if (err) {
				fprintf(stderr, "spawn: %s: %s\n", argv[0], strerror(err));
				return count;
			}
			started++;
		}
		if (wait(&status) < 0 || status != 0)
			failed++;
	}
	return failed;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t acts;
	int redirect = argc > 1 && strcmp(argv[1], "-r") == 0;

	argv += redirect;
	if (argc - redirect < 4) {
		fprintf(stderr, "usage: spawn [-r] JOBS COUNT COMMAND [ARG]...\n");
		return 2;
	}
	posix_spawn_file_actions_init(&acts);
	if (redirect && to_null(&acts)) {
		perror("spawn: redirect to /dev/null");
		return 1;
	}
	return run(argv + 3, redirect ? &acts : NULL, atoi(argv[1]), atoi(argv[2])) > 0;
}
