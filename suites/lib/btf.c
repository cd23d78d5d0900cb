// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktap.h"
#include "btf.h"

/* include/uapi/linux/btf.h */
#define MAGIC 0xeb9f

enum kind {
	KIND_INT = 1,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_FUNC = 12,
	KIND_FUNC_PROTO = 13,
	KIND_VAR = 14,
	KIND_DATASEC = 15,
	KIND_DECL_TAG = 17,
	KIND_ENUM64 = 19,
	KINDS = 20,
};

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t header_bytes, types_at, types_bytes, strings_at, strings_bytes;
};

struct type {
	uint32_t name, info, size_or_type;
};

struct member {
	uint32_t name, type, offset; /* in bits; of a struct with bit fields, the lower 24 bits */
};

void btf_read(struct btf *btf)
{
	int file = MUST(open(BTF_PATH, O_RDONLY | O_CLOEXEC));
	struct header header;
	unsigned char *all;
	struct stat status;
	size_t have = 0;

	MUST(fstat(file, &status));
	all = malloc((size_t)status.st_size + 1);
	EXPECT_TRUE(all);
	while (have < (size_t)status.st_size) {
		ssize_t got = EXPECT_OK(read(file, all + have, (size_t)status.st_size - have));

		EXPECT_TRUE(got > 0);
		have += (size_t)got;
	}
	close(file);
	EXPECT_TRUE(have > sizeof(header));
	memcpy(&header, all, sizeof(header));
	EXPECT_EQ(header.magic, MAGIC);
	EXPECT_TRUE((uint64_t)header.header_bytes + header.types_at + header.types_bytes <= have &&
		    (uint64_t)header.header_bytes + header.strings_at + header.strings_bytes <=
			    have);
	/* So that the last string ends. */
	all[have] = '\0';
	*btf = (struct btf){
		.types = all + header.header_bytes + header.types_at,
		.types_bytes = header.types_bytes,
		.strings = (const char *)all + header.header_bytes + header.strings_at,
		.strings_bytes = header.strings_bytes,
	};
}

/* How many bytes follow a type's record, for a kind and its number of entries. */
static size_t extra_bytes(unsigned int kind, unsigned int entries)
{
	static const unsigned char fixed[KINDS] = {
		[KIND_INT] = 4, [KIND_ARRAY] = 12, [KIND_VAR] = 4, [KIND_DECL_TAG] = 4};
	static const unsigned char each[KINDS] = {
		[KIND_STRUCT] = 12, [KIND_UNION] = 12,	 [KIND_ENUM] = 8,
		[KIND_ENUM64] = 12, [KIND_DATASEC] = 12, [KIND_FUNC_PROTO] = 8,
	};

	EXPECT_TRUE(kind < KINDS);
	return fixed[kind] + (size_t)each[kind] * entries;
}

static bool named(const struct btf *btf, uint32_t at, const char *name)
{
	return at < btf->strings_bytes && !strcmp(btf->strings + at, name);
}

/* The id of the first type of this kind and name; `found` becomes its place. */
static uint32_t find(const struct btf *btf, enum kind wanted, const char *name,
		     const unsigned char **found)
{
	const unsigned char *at = btf->types, *end = at + btf->types_bytes;
	struct type type;

	for (uint32_t id = 1; at + sizeof(type) <= end; id++) {
		memcpy(&type, at, sizeof(type));
		if ((type.info >> 24 & 0x1f) == (unsigned int)wanted &&
		    named(btf, type.name, name)) {
			*found = at;
			return id;
		}
		at += sizeof(type) + extra_bytes(type.info >> 24 & 0x1f, type.info & 0xffff);
	}
	fp_failf(__FILE__, __LINE__, BTF_PATH, name, "no such type");
}

uint32_t btf_function(const struct btf *btf, const char *name)
{
	const unsigned char *at;

	return find(btf, KIND_FUNC, name, &at);
}

int16_t btf_offset(const struct btf *btf, const char *structure, const char *member_name)
{
	const unsigned char *at;
	struct member member;
	struct type type;

	find(btf, KIND_STRUCT, structure, &at);
	memcpy(&type, at, sizeof(type));
	for (unsigned int i = 0; i < (type.info & 0xffff); i++) {
		memcpy(&member, at + sizeof(type) + i * sizeof(member), sizeof(member));
		if (!named(btf, member.name, member_name))
			continue;
		if (type.info >> 31)
			member.offset &= 0xffffff;
		EXPECT_TRUE(member.offset % 8 == 0 && member.offset / 8 < INT16_MAX);
		return (int16_t)(member.offset / 8);
	}
	fp_failf(__FILE__, __LINE__, structure, member_name, "no such member");
}
