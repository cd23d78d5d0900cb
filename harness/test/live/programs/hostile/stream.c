// SPDX-License-Identifier: MIT
/* Results that do not add up: with their plan, with each other, or with how the program ends. */
#include <signal.h>
#include <stdio.h>

#include "hostile.h"

const struct liar liars[] = {
	{"honest", "TAP version 13\n1..2\nok 1 - one\nok 2 - two # SKIP not here\n", 0},
	{"fails", "KTAP version 1\n1..2\nok 1 one\n# why: because\nnot ok 2 two\n", 1},
	{"fails-with-status-0", "1..2\nok 1 one\nnot ok 2 two\n", 0},
	{"passes-with-status-3", "1..2\nok 1 one\nok 2 two\n", 3},
	{"only-plan", "1..3\n", 0},
	{"fewer", "1..3\nok 1 one\nok 2 two\n", 0},
	{"more", "1..1\nok 1 one\nok 2 two\n", 0},
	{"same-number", "1..2\nok 1 one\nok 1 two\n", 0},
	{"same-name", "1..2\nnot ok 1 one\nok 2 one\n", 0},
	{"two-plans", "1..1\nok 1 one\n1..1\nok 1 two\n", 0},
	{"no-cases", "1..0\n", 0},
	{"silent", "", 0},
	{"bails-out", "1..2\nok 1 one\nBail out! no more\n", 0},
	{"failed-child", "1..1\n    1..1\n    not ok 1 inner\nok 1 outer\n", 0},
	{0},
};

static int torn(void)
{
	say("1..2\nok 1 one\nok 2 tw");
	raise(SIGKILL);
	return 0;
}

static int segfaults(void)
{
	say("1..2\nok 1 one\n");
	raise(SIGSEGV);
	return 0;
}

static int aborts_after_last(void)
{
	say("1..1\nok 1 one\n");
	raise(SIGABRT);
	return 0;
}

/* Answers for a case that nobody asked for, instead of the last one that was. */
static int other_cases(void)
{
	int number = 0;

	say("1..3\n");
	for (const char **one = asked; one[0] && one[1]; one++) {
		char line[128];

		snprintf(line, sizeof(line), "ok %d %s\n", ++number, *one);
		say(line);
	}
	say("ok 3 not-asked-for\n");
	return 0;
}

const struct character stream_characters[] = {
	{"torn", torn},
	{"segfaults", segfaults},
	{"aborts-after-last", aborts_after_last},
	{"other-cases", other_cases},
	{0},
};
