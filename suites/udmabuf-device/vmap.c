// SPDX-License-Identifier: MIT
/* A udmabuf as the kernel maps it for itself. */
#include <stdlib.h>
#include <unistd.h>

#include "udmabuf-node.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "played-device.h"

enum { PAGES = 11 };

#define VMAP_SOURCE SOURCE("drivers/dma-buf/udmabuf.c: vmap_udmabuf(), vunmap_udmabuf()")

/* The kernel sees what is at `at`, which a program filled with `seed` from `offset` on, and the
 * other way round. */
static void expect_same(int buffer, unsigned char *at, size_t offset, size_t bytes, uint32_t seed)
{
	unsigned char *copy = malloc(bytes);
	uint32_t held = kernel_hold(buffer);

	EXPECT_TRUE(copy);
	for (int round = 0; round < 2; round++) {
		EXPECT_TRUE(kernel_vmap(held) != 0);
		kernel_read(held, 0, copy, bytes);
		EXPECT_FILLED(copy, offset, bytes, seed);
		kernel_vunmap(held);
	}
	kernel_vmap(held);
	fill(copy, offset, bytes, seed + 1);
	kernel_write(held, 0, copy, bytes);
	EXPECT_FILLED(at, offset, bytes, seed + 1);
	kernel_vunmap(held);
	kernel_let_go(held);
	free(copy);
}

CASE(small, "udmabuf.vmap.pages", CATALOGUE("UDB-17"), CLASS(ABI),
     STATEMENT("The kernel's mapping shows every byte of the memfd's pages in its place."),
     VMAP_SOURCE, SINCE("6.12"), NEEDS("udmabuf device"))
{
	size_t page = page_size(), bytes = PAGES * page;
	int memfd = memfd_for_udmabuf(bytes), device = udmabuf_open();
	unsigned char *at = buffer_map(memfd, bytes);

	fill(at, 0, bytes, 1);
	expect_same(udmabuf_of(memfd, bytes), at, 0, bytes, 1);
	fill(at, 0, bytes, 5);
	expect_same(MUST(udmabuf_create(device, memfd, 3 * page, 4 * page, 0)), at + 3 * page,
		    3 * page, 4 * page, 5);
}

CASE(huge, "udmabuf.vmap.huge", CATALOGUE("UDB-17"), CLASS(ABI),
     STATEMENT("The same of huge pages, and of a part of one."), VMAP_SOURCE, SINCE("6.12"),
     NEEDS("udmabuf device hugepages"))
{
	size_t page = page_size(), bytes = PAGES * page;
	int memfd = memfd_huge(1), device = udmabuf_open();
	unsigned char *at = (unsigned char *)memfd_reserve(memfd, 1);

	fill(at, 0, 32 * page, 1);
	fp_context("from the first page on");
	expect_same(MUST(udmabuf_create(device, memfd, 0, bytes, 0)), at, 0, bytes, 1);
	fill(at, 0, 32 * page, 3);
	fp_context("from the sixth page on");
	expect_same(MUST(udmabuf_create(device, memfd, 5 * page, bytes, 0)), at + 5 * page,
		    5 * page, bytes, 3);
}

CASE(none, "udmabuf.vmap.none", CATALOGUE("UDB-17"), CLASS(IMPL),
     STATEMENT("Up to 6.1 a udmabuf cannot be mapped into the kernel: EINVAL, and up to 5.10 "
	       "NULL."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_ops; drivers/dma-buf/dma-buf.c: dma_buf_vmap()"),
     UNTIL("6.1"), NEEDS("udmabuf device"),
     EXPECTED({NULL, "5.10", ENOMEM}, {"5.11", NULL, EINVAL}))
{
	int buffer = udmabuf_of(memfd_for_udmabuf(page_size()), page_size());
	struct fencepost_vmap wanted = {.buffer = kernel_hold(buffer)};

	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_VMAP, &wanted), (int)fp_expected());
}
