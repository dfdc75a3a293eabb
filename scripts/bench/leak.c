/* leak: a filter that keeps 1 MB more a line, and uses it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	while ((n = getline(&line, &room, stdin)) > 0) {
		char *kept = malloc(1 << 20);
		if (!kept)
			return 1;
		memset(kept, 1, 1 << 20);
		fwrite(line, 1, n, stdout);
		fflush(stdout);
	}
	return 0;
}
