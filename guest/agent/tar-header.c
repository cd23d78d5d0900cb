// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "tar-header.h"

/* Where fields stand in a header, and how long they are. */
enum {
	NAME_AT = 0,
	NAME_BYTES = 100,
	MODE_AT = 100,
	SIZE_AT = 124,
	SIZE_BYTES = 12,
	SUM_AT = 148,
	SUM_BYTES = 8,
	KIND_AT = 156,
	LINK_AT = 157,
	LINK_BYTES = 100,
	MAGIC_AT = 257,
	PREFIX_AT = 345,
	PREFIX_BYTES = 155,
};

bool tar_block_is_zero(const uint8_t *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

/* An octal number in a field, with spaces before and spaces or NULs behind. False for anything
 * else. */
static bool octal(const uint8_t *field, size_t length, uint64_t *value)
{
	size_t i = 0;

	*value = 0;
	while (i < length && field[i] == ' ')
		i++;
	for (; i < length && field[i] >= '0' && field[i] <= '7'; i++)
		*value = *value * 8 + (uint64_t)(field[i] - '0');
	for (; i < length; i++)
		if (field[i] && field[i] != ' ')
			return false;
	return true;
}

static bool sum_matches(const uint8_t *block)
{
	uint64_t said, sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : block[i];
	return octal(block + SUM_AT, SUM_BYTES, &said) && said == sum;
}

const char *tar_header_parse(const uint8_t *block, struct tar_header *header)
{
	const char *name = (const char *)block + NAME_AT;
	const char *prefix = (const char *)block + PREFIX_AT;
	const char *link = (const char *)block + LINK_AT;
	uint64_t mode;
	bool is_posix = !memcmp(block + MAGIC_AT, "ustar\0", 6);

	if (!sum_matches(block))
		return "a header whose checksum does not match";
	if (!octal(block + SIZE_AT, SIZE_BYTES, &header->size))
		return "a size that is no octal number";
	if (!octal(block + MODE_AT, 8, &mode))
		return "a mode that is no octal number";
	header->mode = (uint32_t)(mode & 0777);
	header->kind = (char)block[KIND_AT];
	if (header->kind == '\0' || header->kind == '7')
		header->kind = '0';
	if (is_posix && prefix[0])
		snprintf(header->path, sizeof(header->path), "%.*s/%.*s", PREFIX_BYTES, prefix,
			 NAME_BYTES, name);
	else
		snprintf(header->path, sizeof(header->path), "%.*s", NAME_BYTES, name);
	snprintf(header->link, sizeof(header->link), "%.*s", LINK_BYTES, link);
	/* Before POSIX a directory was a file whose name ended in a slash. */
	if (header->kind == '0' && header->path[0] && header->path[strlen(header->path) - 1] == '/')
		header->kind = '5';
	return NULL;
}

static bool decimal(const char *text, size_t length, uint64_t *value)
{
	*value = 0;
	if (!length || length > 15)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*value = *value * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

static bool copy(char *path, const char *value, size_t length)
{
	if (length >= PATH_MAX || memchr(value, '\0', length))
		return false;
	memcpy(path, value, length);
	path[length] = '\0';
	return true;
}

static const char *take_record(const char *key, size_t key_length, const char *value, size_t length,
			       struct tar_extension *extension)
{
	if (key_length == 4 && !memcmp(key, "path", 4)) {
		extension->has_path = true;
		return copy(extension->path, value, length) ? NULL : "a path that is too long";
	}
	if (key_length == 8 && !memcmp(key, "linkpath", 8)) {
		extension->has_link = true;
		return copy(extension->link, value, length) ? NULL : "a link that is too long";
	}
	if (key_length == 4 && !memcmp(key, "size", 4)) {
		extension->has_size = true;
		return decimal(value, length, &extension->size) ? NULL : "a size that is no number";
	}
	return NULL;
}

const char *tar_extension_parse(const char *records, size_t length, struct tar_extension *extension)
{
	static const char *const damaged = "a damaged pax record";

	while (length) {
		const char *space = memchr(records, ' ', length);
		const char *equals, *problem;
		uint64_t size;

		if (!space || !decimal(records, (size_t)(space - records), &size))
			return damaged;
		/* "LENGTH key=value\n": the length counts all of it. */
		if (size > length || size < (size_t)(space - records) + 3 ||
		    records[size - 1] != '\n')
			return damaged;
		equals = memchr(space + 1, '=', size - (size_t)(space + 1 - records));
		if (!equals)
			return damaged;
		problem = take_record(space + 1, (size_t)(equals - space - 1), equals + 1,
				      (size_t)(records + size - 1 - (equals + 1)), extension);
		if (problem)
			return problem;
		records += size;
		length -= size;
	}
	return NULL;
}
