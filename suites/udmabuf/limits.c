// SPDX-License-Identifier: MIT
/* How large a udmabuf may be. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "descriptors.h"
#include "udmabuf-node.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"

/* From 2^38 on no guest has the memory, nor would the list of the pages fit into it; less could be
 * had, and would be a burden. */
#define ABSURD_BIT 38

/* `count` items that each are the whole of one memfd. */
static struct udmabuf_create_item *repeated(int memfd, size_t bytes, uint32_t count)
{
	struct udmabuf_create_item *items = calloc(count, sizeof(*items));

	EXPECT_TRUE(items != NULL);
	for (uint32_t i = 0; i < count; i++)
		items[i] = (struct udmabuf_create_item){.memfd = (uint32_t)memfd, .size = bytes};
	return items;
}

CASE(list_limit, "udmabuf.create.list-limit", CATALOGUE("UDB-07"), CLASS(IMPL),
     STATEMENT("A list may have as many items as the parameter list_limit says (1024), and one "
	       "more is EINVAL."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_ioctl_create_list()"), NEEDS("udmabuf"))
{
	uint32_t limit = udmabuf_list_limit();
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size()), fd;
	struct udmabuf_create_list *huge = calloc(1, sizeof(*huge));
	struct udmabuf_create_item *items;

	if (limit > 65536)
		fp_skip("needs a list_limit of at most 65536: it is %u", limit);
	if ((uint64_t)limit * page_size() > udmabuf_size_limit_bytes())
		fp_skip("needs a size_limit_mb that %u pages fit into", limit);
	items = repeated(memfd, page_size(), limit + 1);
	fd = MUST(udmabuf_create_list(device, items, limit, 0));
	EXPECT_EQ(buffer_size(fd), (uint64_t)limit * page_size());
	MUST(close(fd));
	EXPECT_ERRNO(udmabuf_create_list(device, items, limit + 1, 0), EINVAL);
	/* Counts that would not fit once multiplied. */
	for (int bit = 26; bit < 32; bit++) {
		fp_context("count %#x", 1u << bit);
		huge->count = 1u << bit;
		EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE_LIST, huge), EINVAL);
	}
	EXPECT_UNPINNED(memfd);
}

CASE(size_limit, "udmabuf.create.size-limit", CATALOGUE("UDB-07"), CLASS(IMPL),
     STATEMENT("A buffer may be as large as the parameter size_limit_mb says, and one page more is "
	       "EINVAL."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()"), NEEDS("udmabuf"))
{
	uint64_t limit = udmabuf_size_limit_bytes();
	uint32_t count = udmabuf_list_limit() - 1 < 512 ? udmabuf_list_limit() - 1 : 512;
	struct udmabuf_create_item *items;
	int device, memfd, fd;
	uint64_t piece;

	if (limit > 512 * MIB)
		fp_skip("needs a size_limit_mb of at most 512: it is %llu",
			(unsigned long long)(limit / MIB));
	/* The same few pages again and again: only the sum of the sizes is large. */
	piece = page_align(limit / count);
	count = (uint32_t)(limit / piece);
	heap_require(piece + limit / page_size() * 64);
	device = udmabuf_open();
	memfd = memfd_for_udmabuf(piece);
	items = repeated(memfd, piece, count + 1);
	items[count].size = limit - count * piece;
	fd = MUST(udmabuf_create_list(device, items, count + (items[count].size > 0), 0));
	EXPECT_EQ(buffer_size(fd), limit);
	MUST(close(fd));
	items[count].size += page_size();
	EXPECT_ERRNO(udmabuf_create_list(device, items, count + 1, 0), EINVAL);
	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, limit + page_size(), 0), EINVAL);
	EXPECT_UNPINNED(memfd);
}

CASE(absurd, "udmabuf.create.size-absurd", CATALOGUE("UDB-07"), CLASS(ABI),
     STATEMENT("A size beyond all memory is EINVAL or ENOMEM, for any power of two, and the kernel "
	       "has nothing to report."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()"),
     EXPECTED({.until = "7.2", .value = 64}, {.since = "7.3", .value = INT_MAX}), NEEDS("udmabuf"))
{
	/* What the release has by default: a lower limit would hide how it deals with such sizes.
	 */
	uint64_t own_limit = (uint64_t)fp_expected() * MIB, limit = udmabuf_size_limit_bytes();
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size());
	struct udmabuf_create_item items[2] = {{.memfd = (uint32_t)memfd, .size = page_size()}};
	int open = descriptors_open();

	if (limit < own_limit)
		fp_skip("needs the kernel's own size_limit_mb, %llu: it is %llu",
			(unsigned long long)(own_limit / MIB), (unsigned long long)(limit / MIB));
	for (int bit = ABSURD_BIT; bit < 64; bit++) {
		uint64_t size = 1ull << bit;

		fp_context("size 2^%d", bit);
		EXPECT_EQ(udmabuf_create(device, memfd, 0, size, 0), -1);
		EXPECT_TRUE(errno == EINVAL || errno == ENOMEM);
		items[1] = (struct udmabuf_create_item){.memfd = (uint32_t)memfd, .size = size};
		EXPECT_EQ(udmabuf_create_list(device, items, 2, 0), -1);
		EXPECT_TRUE(errno == EINVAL || errno == ENOMEM);
		/* Together more than 64 bits hold. */
		items[0].size = -size;
		EXPECT_EQ(udmabuf_create_list(device, items, 2, 0), -1);
		EXPECT_TRUE(errno == EINVAL || errno == ENOMEM);
		items[0].size = page_size();
	}
	EXPECT_EQ(descriptors_open(), open);
	EXPECT_UNPINNED(memfd);
}
