// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"

void pairs_add(struct pairs *pairs, const char *format, ...)
{
	size_t room = pairs->room - pairs->used;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(pairs->text + pairs->used, room, format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t)length < room)
		pairs->used += (size_t)length + 1;
}

unsigned long meminfo_value(const char *meminfo, const char *name)
{
	const char *line = meminfo;
	size_t length = strlen(name);

	/* Names end others: Slab: and KReclaimableSlab:, so only the start of a line counts. */
	while (line) {
		if (!strncmp(line, name, length))
			return strtoul(line + length, NULL, 10);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return 0;
}
