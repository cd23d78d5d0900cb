// SPDX-License-Identifier: MIT
/* Processes that do not go when they should. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

static void ignore_signals(void)
{
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_IGN);
}

/* Children that leave their session and their parent, keep its standard output, and speak late. */
static int daemons(void)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		return 1;
	for (int i = 0; i < 3; i++) {
		if (fork())
			continue;
		setsid();
		if (fork())
			_exit(0);
		ignore_signals();
		write_all(ready[1], "x", 1);
		pause_ms(300);
		say("not ok 2 late\n");
		stay();
	}
	for (int i = 0; i < 3; i++)
		if (read(ready[0], &byte, 1) != 1)
			return 1;
	say("1..1\nok 1 one\n");
	return 0;
}

/* Families of processes, each of which has a child and dies: no list of them is ever true. */
static int hydra(void)
{
	for (int head = 0; head < 8; head++) {
		if (fork())
			continue;
		setsid();
		ignore_signals();
		while (fork() <= 0)
			;
		_exit(0);
	}
	pause_ms(100);
	say("1..1\nok 1 one\n");
	return 0;
}

/* Nothing but the agent, the kernel's threads and this program may be there. */
static int alone(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int others = 0;

	while (processes && (entry = readdir(processes))) {
		char path[300], byte;
		int pid = atoi(entry->d_name), fd;

		if (!isdigit((unsigned char)entry->d_name[0]) || pid == 1 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = open(path, O_RDONLY);
		/* A kernel thread has no command line. */
		others += fd >= 0 && read(fd, &byte, 1) == 1;
		close(fd);
	}
	say(others ? "1..1\nnot ok 1 nobody else\n" : "1..1\nok 1 nobody else\n");
	return 0;
}

static int ignores_sigterm(void)
{
	ignore_signals();
	say("1..2\nok 1 one\n");
	return stay();
}

/* Every processor, ahead of everything, with the kernel's brake on real-time tasks let go. */
static int starves(void)
{
	struct sched_param highest = {.sched_priority = 99};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	say("1..2\nok 1 one\n");
	/* What was said must be heard before nobody speaks any more. */
	pause_ms(300);
	write_file("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	for (long cpu = 0; cpu < processors; cpu++) {
		cpu_set_t own;

		if (cpu < processors - 1 && fork())
			continue;
		CPU_ZERO(&own);
		CPU_SET(cpu, &own);
		sched_setaffinity(0, sizeof(own), &own);
		pause_ms(50);
		syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &highest);
		for (;;)
			;
	}
	return 0;
}

const struct character process_characters[] = {
	{"daemons", daemons}, {"hydra", hydra},
	{"alone", alone},     {"ignores-sigterm", ignores_sigterm},
	{"starves", starves}, {0},
};
