// SPDX-License-Identifier: MIT
/* What only a kernel can do to itself: by the module wreck.ko, which is linked in. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

extern const char wreck_begin[], wreck_end[];

int wreck(const char *parameters)
{
	long result = syscall(SYS_init_module, wreck_begin, wreck_end - wreck_begin, parameters);

	return result ? -1 : 0;
}

/* Passes, unless the kernel could not be made to do that. */
static int pass_with(const char *parameters)
{
	say("1..1\n");
	if (wreck(parameters))
		return 98;
	say("ok 1 one\n");
	return 0;
}

static int warns(void)
{
	return pass_with("what=warn");
}

/* The program is over, with all its results, when the kernel complains. */
static int warns_late(void)
{
	return pass_with("what=warn after_ms=150");
}

static int panics_late(void)
{
	return pass_with("what=panic after_ms=150");
}

static int hangs_late(void)
{
	return pass_with("what=hang-irqs-off after_ms=150");
}

static int vanishes_late(void)
{
	return pass_with("what=vanish after_ms=150");
}

/* A warning that no console shows: only the kernel's taint is left of it. */
static int taints(void)
{
	return pass_with("what=taint");
}

static int warns_unseen(void)
{
	int status;

	write_file("/proc/sys/kernel/printk", "1");
	status = pass_with("what=warn");
	pause_ms(100);
	write_file("/proc/sys/kernel/printk", "6");
	return status;
}

/* From now on nothing that the kernel says is seen. */
static int mutes_console(void)
{
	write_file("/proc/sys/kernel/printk", "1");
	say("1..1\nok 1 one\n");
	return 0;
}

/* Takes the process that asked for it, and nothing else. */
static int oopses(void)
{
	say("1..2\nok 1 one\n");
	wreck("what=oops");
	return 98;
}

/* The same in a child: the program itself ends well. */
static int oopses_aside(void)
{
	pid_t child;

	say("1..1\nok 1 one\n");
	child = fork();
	if (!child) {
		wreck("what=oops");
		_exit(0);
	}
	waitpid(child, NULL, 0);
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

static int vanishes(void)
{
	say("1..2\nok 1 one\n");
	pause_ms(300);
	wreck("what=vanish");
	return 98;
}

/* A child that SIGKILL does not end: it waits in the kernel, for nothing. */
static int sleeps_for_ever(void)
{
	if (!fork()) {
		wreck("what=sleep");
		_exit(0);
	}
	pause_ms(100);
	say("1..1\nok 1 one\n");
	return 0;
}

static int kills_agent(void)
{
	say("1..2\nok 1 one\n");
	pause_ms(300);
	wreck("what=kill-agent");
	return stay();
}

const struct character kernel_characters[] = {
	{"warns", warns},
	{"warns-late", warns_late},
	{"warns-unseen", warns_unseen},
	{"taints", taints},
	{"mutes-console", mutes_console},
	{"oopses", oopses},
	{"oopses-aside", oopses_aside},
	{"panics-late", panics_late},
	{"hangs", hangs},
	{"hangs-without-interrupts", hangs_without_interrupts},
	{"hangs-late", hangs_late},
	{"vanishes", vanishes},
	{"vanishes-late", vanishes_late},
	{"sleeps-for-ever", sleeps_for_ever},
	{"kills-agent", kills_agent},
	{0},
};
