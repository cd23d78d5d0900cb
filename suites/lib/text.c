// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "text.h"

enum dialect { LINE, JSON };

/* Writes one character's escaped form and returns its length; at most 6 bytes and a NUL. */
static int escape_one(char *to, unsigned char c, enum dialect dialect)
{
	if (c == '\n')
		return sprintf(to, "\\n");
	if (c == '\t')
		return sprintf(to, "\\t");
	if (c == '\\' || (c == '"' && dialect == JSON))
		return sprintf(to, "\\%c", c);
	if (c < 0x20 || c == 0x7f)
		return sprintf(to, dialect == JSON ? "\\u%04x" : "\\x%02x", c);
	return sprintf(to, "%c", c);
}

static void escape(char *to, size_t size, const char *from, enum dialect dialect)
{
	char one[8];
	size_t used = 0;

	if (!size)
		return;
	for (; *from; from++) {
		int length = escape_one(one, (unsigned char)*from, dialect);

		if (used + (size_t)length >= size)
			break;
		memcpy(to + used, one, (size_t)length);
		used += (size_t)length;
	}
	to[used] = '\0';
}

void fp_escape(char *to, size_t size, const char *from)
{
	escape(to, size, from, LINE);
}

void fp_escape_json(char *to, size_t size, const char *from)
{
	escape(to, size, from, JSON);
}
