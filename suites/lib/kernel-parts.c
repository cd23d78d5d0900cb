// SPDX-License-Identifier: MIT
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel-parts.h"
#include "ktap.h"

bool kernel_has_function(const char *name, char *why, size_t size)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[600], symbol[512];
	bool found = false;

	if (!file) {
		snprintf(why, size, "/proc/kallsyms cannot be read");
		return false;
	}
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s %*c %511s", symbol) == 1 && !strcmp(symbol, name);
	fclose(file);
	if (!found)
		snprintf(why, size, "/proc/kallsyms has no %s()", name);
	return found;
}

bool kernel_made_nodes(char *why, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool found = false;

	while (mounts && (mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_dir, "/dev"))
			found = !strcmp(mount->mnt_type, "devtmpfs");
	if (mounts)
		endmntent(mounts);
	if (!found)
		snprintf(why, size, "/dev is not the kernel's own");
	else if (access("/run/udev", F_OK) == 0)
		snprintf(why, size, "udev has been at work in /dev (/run/udev)");
	else
		return true;
	return false;
}

/*
 * /proc/cgroups has lines of name, hierarchy (0: none of version 1), groups, enabled; since 6.14
 * only for what version 1 has, so that it does not tell what there is.
 */
bool kernel_has_memory_controller(char *why, size_t size)
{
	FILE *file = fopen("/proc/cgroups", "re");
	char line[128], name[64];
	int hierarchy, groups, enabled;
	bool usable = file != NULL;

	snprintf(why, size, "the kernel has no cgroups");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %d %d %d", name, &hierarchy, &groups, &enabled) != 4 ||
		    strcmp(name, "memory"))
			continue;
		usable = enabled && !hierarchy;
		snprintf(why, size, "the memory controller is %s",
			 enabled ? "one of version 1" : "disabled");
	}
	if (file)
		fclose(file);
	return usable && kernel_has_function("mem_cgroup_css_alloc", why, size);
}

const char *kernel_parameter(const char *name)
{
	/* Read once: a case may make allocations fail later. */
	static char line[4096];
	static char value[256];
	const char *found = NULL, *word = line;
	size_t length = strlen(name);

	if (!*line) {
		FILE *file = fopen("/proc/cmdline", "re");

		EXPECT_TRUE(file != NULL);
		EXPECT_TRUE(fgets(line, sizeof(line), file) != NULL);
		fclose(file);
	}
	for (; *word; word += strcspn(word, " \n")) {
		word += strspn(word, " \n");
		if (!strncmp(word, name, length) && word[length] == '=')
			found = word + length + 1;
	}
	if (!found)
		return NULL;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, " \n"), found);
	return value;
}

bool kernel_bounces_all(void)
{
	const char *swiotlb = kernel_parameter("swiotlb");

	return swiotlb && strstr(swiotlb, "force");
}
