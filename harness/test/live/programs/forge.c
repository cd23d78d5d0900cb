// SPDX-License-Identifier: MIT
/* A program of a user's own for the live tests: what it does is its first argument. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "pass";

	if (!strcmp(what, "pass")) {
		puts("TAP version 13\n1..2\nok 1 - one\nok 2 - two # SKIP not here");
		return 0;
	}
	if (!strcmp(what, "fail")) {
		puts("KTAP version 1\n1..2\nok 1 one\n# why: because\nnot ok 2 two");
		return 1;
	}
	if (!strcmp(what, "lie")) {
		puts("1..2\nok 1 - one\nok 2 - two");
		return 3;
	}
	if (!strcmp(what, "short")) {
		puts("1..3\nok 1 - one");
		return 0;
	}
	if (!strcmp(what, "silent"))
		return 0;
	if (!strcmp(what, "signal")) {
		puts("1..2\nok 1 - one");
		fflush(stdout);
		raise(SIGSEGV);
	}
	if (!strcmp(what, "panic")) {
		FILE *trigger = fopen("/proc/sysrq-trigger", "w");

		puts("1..2\nok 1 - one");
		fflush(stdout);
		if (trigger) {
			fputs("c", trigger);
			fclose(trigger);
		}
		sleep(60);
	}
	return 2;
}
