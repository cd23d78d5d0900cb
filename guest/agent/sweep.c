// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep.h"
#include "text.h"

/* The parent of a process, by the fourth field of /proc/PID/stat (proc(5)); 0 when it is gone. */
static pid_t parent_of(const char *pid)
{
	char path[64], text[512];
	char *after_name;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if (read_text(path, text, sizeof(text)) < 0)
		return 0;
	/* The second field is a name in brackets, which may itself hold anything. */
	after_name = strrchr(text, ')');
	if (!after_name || strlen(after_name) < 4)
		return 0;
	return (pid_t)strtol(after_name + 4, NULL, 10);
}

static void kill_children(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	if (!processes)
		return;
	while ((entry = readdir(processes)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(entry->d_name) == getpid())
			kill(atoi(entry->d_name), SIGKILL);
	closedir(processes);
}

int sweep(void)
{
	if (getpid() != 1) {
		kill_children();
		return 5;
	}
	/* kill(2): as -1 goes out from PID 1, it spares the sender, and kernel threads do not hear
	 * it. */
	kill(-1, SIGKILL);
	return 500;
}
