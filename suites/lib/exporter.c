// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ktap.h"
#include "exporter.h"
#include "heap.h"

#define MODULES_MAX 256

static int read_count(const char *path)
{
	FILE *file = fopen(path, "re");
	int count;

	if (!file || fscanf(file, "%d", &count) != 1)
		fp_failf(__FILE__, __LINE__, path, "a number", "%s", fp_errno_name(errno));
	fclose(file);
	return count;
}

bool exporter_module(char *name, size_t size)
{
	int before[MODULES_MAX], buffer;
	unsigned int risen = 0;
	glob_t found;

	/* The file exists only for modules that can be unloaded at all (CONFIG_MODULE_UNLOAD). */
	if (glob("/sys/module/*/refcnt", 0, NULL, &found))
		return false;
	EXPECT_TRUE(found.gl_pathc <= MODULES_MAX);
	for (size_t i = 0; i < found.gl_pathc; i++)
		before[i] = read_count(found.gl_pathv[i]);
	buffer = heap_buffer(page_size());
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i] + strlen("/sys/module/");

		if (read_count(found.gl_pathv[i]) <= before[i])
			continue;
		snprintf(name, size, "%.*s", (int)strcspn(path, "/"), path);
		risen++;
	}
	globfree(&found);
	MUST(close(buffer));
	EXPECT_TRUE(risen <= 1);
	return risen == 1;
}

int module_references(const char *module)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	return read_count(path);
}

void module_line(const char *module, char *line, int size)
{
	FILE *file = fdopen(MUST(open("/proc/modules", O_RDONLY | O_CLOEXEC)), "r");
	size_t length = strlen(module);

	while (fgets(line, size, file))
		if (!strncmp(line, module, length) && line[length] == ' ') {
			fclose(file);
			return;
		}
	fp_failf(__FILE__, __LINE__, "/proc/modules", module, "not there");
}

bool modules_from_elsewhere(void)
{
	FILE *file = fopen("/proc/modules", "re");
	bool found = false;
	char line[512];

	/* Taints stand at the end, in brackets; O is out of tree (kernel/panic.c). Ours exports
	 * nothing. */
	while (file && fgets(line, sizeof(line), file)) {
		const char *taints = strrchr(line, '(');

		found = found ||
			(taints && strchr(taints, 'O') && strncmp(line, "fencepost_device ", 17));
	}
	if (file)
		fclose(file);
	return found;
}

int module_unload(const char *module)
{
	return (int)syscall(SYS_delete_module, module, O_NONBLOCK);
}
