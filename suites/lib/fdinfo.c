// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "fdinfo.h"

/* If `line` is "KEY:\tVALUE\n", copies VALUE and returns true. */
static bool field(const char *line, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) || line[length] != ':' || line[length + 1] != '\t')
		return false;
	snprintf(value, size, "%.*s", (int)strcspn(line + length + 2, "\n"), line + length + 2);
	return true;
}

/* A decimal number and nothing else. */
static long long number(const char *key, const char *text)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	if (!*text || *end || *text == '+' || *text == ' ')
		fp_failf(__FILE__, __LINE__, key, "a decimal number", "\"%s\"", text);
	return value;
}

void fdinfo_read_of(pid_t pid, int fd, struct fdinfo *info)
{
	int sizes = 0, counts = 0, exporters = 0, names = 0;
	char path[64], line[256], value[80];
	FILE *file;

	memset(info, 0, sizeof(*info));
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
	file = fdopen(MUST(open(path, O_RDONLY | O_CLOEXEC)), "r");
	while (fgets(line, sizeof(line), file)) {
		if (field(line, "size", value, sizeof(value))) {
			info->size = (unsigned long long)number("size", value);
			sizes++;
		} else if (field(line, "count", value, sizeof(value))) {
			info->count = (long)number("count", value);
			counts++;
		} else if (field(line, "exp_name", info->exporter, sizeof(info->exporter))) {
			exporters++;
		} else if (field(line, "name", info->name, sizeof(info->name))) {
			names++;
		}
	}
	fclose(file);
	EXPECT_EQ(sizes, 1);
	EXPECT_EQ(counts, 1);
	EXPECT_EQ(exporters, 1);
	EXPECT_TRUE(names <= 1);
	info->named = names == 1;
}

void fdinfo_read(int fd, struct fdinfo *info)
{
	fdinfo_read_of(getpid(), fd, info);
}
