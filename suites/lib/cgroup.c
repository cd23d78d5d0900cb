// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktap.h"
#include "cgroup.h"

#define MOUNT "/sys/fs/cgroup"
#define GROUP MOUNT "/fencepost"

static void write_text(const char *path, const char *text)
{
	int file = MUST(open(path, O_WRONLY | O_CLOEXEC));

	EXPECT_EQ(write(file, text, strlen(text)), strlen(text));
	MUST(close(file));
}

void cgroup_enter(uint64_t max_bytes)
{
	char text[32];

	/* Whatever is mounted there stays as it is for everyone else. */
	MUST(unshare(CLONE_NEWNS));
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("cgroup2", MOUNT, "cgroup2", 0, NULL));
	write_text(MOUNT "/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0700) && errno != EEXIST)
		fp_fail(__FILE__, __LINE__, "mkdir " GROUP, "success", fp_errno_name(errno));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)max_bytes);
	write_text(GROUP "/memory.max", max_bytes ? text : "max");
	snprintf(text, sizeof(text), "%d", getpid());
	write_text(GROUP "/cgroup.procs", text);
}

uint64_t cgroup_charged(void)
{
	FILE *file = fdopen(MUST(open(GROUP "/memory.current", O_RDONLY | O_CLOEXEC)), "r");
	unsigned long long bytes = 0;

	EXPECT_EQ(fscanf(file, "%llu", &bytes), 1);
	fclose(file);
	return bytes;
}
