// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bufinfo.h"
#include "heap.h"
#include "ktap.h"

#define BUFINFO "/sys/kernel/debug/dma_buf/bufinfo"
#define COLUMNS "%zu\t%x\t%x\t%ld\t%63[^\t]\t%llu%*1[\t]%39[^\n]"

static void __attribute__((noreturn)) not_as_documented(const char *expected, const char *line)
{
	fp_failf(__FILE__, __LINE__, "a line of bufinfo", expected, "\"%s\"", line);
}

/* A buffer's own line begins with its size in at least eight digits. */
static bool parse_entry(const char *line, struct bufinfo_entry *entry)
{
	if (*line < '0' || *line > '9')
		return false;
	memset(entry, 0, sizeof(*entry));
	if (sscanf(line, COLUMNS, &entry->size, &entry->flags, &entry->mode, &entry->count,
		   entry->exporter, &entry->inode, entry->name) < 6)
		not_as_documented("size, flags, mode, count, exporter, inode and name", line);
	if (!strcmp(entry->name, "<none>"))
		entry->name[0] = '\0';
	return true;
}

/* Reads what follows a buffer's line, up to and with "Total N devices attached". */
static void parse_devices(FILE *file, struct bufinfo_entry *entry)
{
	bool devices = false;
	char line[256];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Total %d devices attached", &entry->attached) == 1)
			return;
		if (!strcmp(line, "\tAttached Devices:\n"))
			devices = true;
		else if (*line != '\t' && *line != '\n' && devices)
			not_as_documented("a device, or how many there are", line);
		else
			entry->device_lines += devices && *line == '\t';
	}
	fp_fail(__FILE__, __LINE__, "bufinfo", "\"Total N devices attached\"", "its end");
}

int bufinfo_read(struct bufinfo *info, unsigned long long inode, struct bufinfo_entry *entry)
{
	FILE *file = fdopen(MUST(open(BUFINFO, O_RDONLY | O_CLOEXEC)), "r");
	struct bufinfo_entry one;
	char line[256];
	int times = 0;

	*info = (struct bufinfo){.total = -1};
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Total %ld objects, %zu bytes", &info->total,
			   &info->total_bytes) == 2)
			continue;
		if (!parse_entry(line, &one))
			continue;
		parse_devices(file, &one);
		info->listed++;
		info->bytes += one.size;
		if (one.inode != inode)
			continue;
		times++;
		if (entry)
			*entry = one;
	}
	fclose(file);
	EXPECT_EQ(info->total, info->listed);
	EXPECT_EQ(info->total_bytes, info->bytes);
	return times;
}

int attached_to_inode(unsigned long long inode)
{
	struct bufinfo_entry entry;
	struct bufinfo info;

	EXPECT_EQ(bufinfo_read(&info, inode, &entry), 1);
	EXPECT_EQ(entry.device_lines, entry.attached);
	return entry.attached;
}

int attached_to(int buffer)
{
	return attached_to_inode(buffer_inode(buffer));
}
