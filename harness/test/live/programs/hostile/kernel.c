// SPDX-License-Identifier: MIT
/* What only a kernel can do to itself: by the module wreck.ko, which is linked in. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"

extern const char wreck_begin[], wreck_end[];

static int wreck(const char *parameters)
{
	long result = syscall(SYS_init_module, wreck_begin, wreck_end - wreck_begin, parameters);

	return result ? -1 : 0;
}

static int warns(void)
{
	say("1..1\n");
	if (wreck("what=warn"))
		return 98;
	say("ok 1 one\n");
	return 0;
}

/* The program is over, with all its results, when the kernel complains. */
static int warns_late(void)
{
	say("1..1\n");
	if (wreck("what=warn after_ms=150"))
		return 98;
	say("ok 1 one\n");
	return 0;
}

/* Takes the process that asked for it, and nothing else. */
static int oopses(void)
{
	say("1..2\nok 1 one\n");
	wreck("what=oops");
	return 98;
}

static int panics_late(void)
{
	say("1..1\n");
	if (wreck("what=panic after_ms=150"))
		return 98;
	say("ok 1 one\n");
	return 0;
}

static int hangs(void)
{
	say("1..2\nok 1 one\n");
	pause_ms(300);
	wreck("what=hang");
	return stay();
}

static int hangs_without_interrupts(void)
{
	say("1..2\nok 1 one\n");
	pause_ms(300);
	wreck("what=hang-irqs-off");
	return 98;
}

const struct character kernel_characters[] = {
	{"warns", warns},
	{"warns-late", warns_late},
	{"oopses", oopses},
	{"panics-late", panics_late},
	{"hangs", hangs},
	{"hangs-without-interrupts", hangs_without_interrupts},
	{0},
};
