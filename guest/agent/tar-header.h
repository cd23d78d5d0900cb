/* SPDX-License-Identifier: MIT */
/* One 512-byte header of a tar stream (POSIX.1-2001 "pax", ustar; GNU tar's long names), and pax
 * records. */
#ifndef FENCEPOST_TAR_HEADER_H
#define FENCEPOST_TAR_HEADER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK 512

struct tar_header {
	char kind; /* '0' file, '5' directory, '2' symbolic link, 'x' 'g' pax, 'L' 'K' GNU long
		      names, or another */
	uint64_t size;
	uint32_t mode;
	char path[PATH_MAX];
	char link[PATH_MAX];
};

/* What pax records or GNU long names say of the entry that follows. */
struct tar_extension {
	bool has_path, has_link, has_size;
	char path[PATH_MAX];
	char link[PATH_MAX];
	uint64_t size;
};

/* Whether a block is all zeros: the mark of the end. */
bool tar_block_is_zero(const uint8_t *block);

/* Reads a block. Returns NULL, or what is wrong with it. */
const char *tar_header_parse(const uint8_t *block, struct tar_header *header);

/* Reads "LENGTH key=value\n" records; keys other than path, linkpath and size are passed over. */
const char *tar_extension_parse(const char *records, size_t length,
				struct tar_extension *extension);

#endif
