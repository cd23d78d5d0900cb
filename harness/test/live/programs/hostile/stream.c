// SPDX-License-Identifier: MIT
/* Results that do not add up: with their plan, with each other, or with how the program ends. */
#include <signal.h>

#include "hostile.h"

static int honest(void)
{
	say("TAP version 13\n1..2\nok 1 - one\nok 2 - two # SKIP not here\n");
	return 0;
}

static int fails(void)
{
	say("KTAP version 1\n1..2\nok 1 one\n# why: because\nnot ok 2 two\n");
	return 1;
}

static int fails_with_status_0(void)
{
	say("1..2\nok 1 one\nnot ok 2 two\n");
	return 0;
}

static int passes_with_status_3(void)
{
	say("1..2\nok 1 one\nok 2 two\n");
	return 3;
}

static int only_plan(void)
{
	say("1..3\n");
	return 0;
}

static int fewer(void)
{
	say("1..3\nok 1 one\nok 2 two\n");
	return 0;
}

static int more(void)
{
	say("1..1\nok 1 one\nok 2 two\n");
	return 0;
}

static int same_number(void)
{
	say("1..2\nok 1 one\nok 1 two\n");
	return 0;
}

static int same_name(void)
{
	say("1..2\nnot ok 1 one\nok 2 one\n");
	return 0;
}

static int two_plans(void)
{
	say("1..1\nok 1 one\n1..1\nok 1 two\n");
	return 0;
}

static int no_cases(void)
{
	say("1..0\n");
	return 0;
}

static int silent(void)
{
	return 0;
}

static int bails_out(void)
{
	say("1..2\nok 1 one\nBail out! no more\n");
	return 0;
}

static int failed_child(void)
{
	say("1..1\n    1..1\n    not ok 1 inner\nok 1 outer\n");
	return 0;
}

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

const struct character stream_characters[] = {
	{"honest", honest},
	{"fails", fails},
	{"fails-with-status-0", fails_with_status_0},
	{"passes-with-status-3", passes_with_status_3},
	{"only-plan", only_plan},
	{"fewer", fewer},
	{"more", more},
	{"same-number", same_number},
	{"same-name", same_name},
	{"two-plans", two_plans},
	{"no-cases", no_cases},
	{"silent", silent},
	{"bails-out", bails_out},
	{"failed-child", failed_child},
	{"torn", torn},
	{"segfaults", segfaults},
	{"aborts-after-last", aborts_after_last},
	{0},
};
