// SPDX-License-Identifier: MIT
/* A udmabuf as devices see it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device-checks.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "played-device.h"
#include "udmabuf-node.h"

enum { PAGES = 9 };

#define MAP_SOURCE SOURCE("drivers/dma-buf/udmabuf.c: map_udmabuf(), get_sg_table()")

/* A memfd that is filled with `seed`, and a buffer of all of it. */
static int filled(uint32_t seed, int *memfd)
{
	size_t bytes = PAGES * page_size();
	void *at;

	*memfd = memfd_for_udmabuf(bytes);
	at = buffer_map(*memfd, bytes);
	fill(at, 0, bytes, seed);
	buffer_unmap(at, bytes);
	return udmabuf_of(*memfd, bytes);
}

CASE(round_trip, "udmabuf.device.round-trip", CATALOGUE("IMP-01"), CLASS(ABI),
     STATEMENT("A device attaches, maps in each direction, unmaps and detaches, and neither the "
	       "buffer nor the memfd has anything of it left."),
     SOURCE("drivers/dma-buf/udmabuf.c: map_udmabuf(), unmap_udmabuf()"), NEEDS("udmabuf device"))
{
	int memfd, buffer = filled(1, &memfd);

	expect_round_trips(buffer);
	MUST(close(buffer));
	EXPECT_UNPINNED(memfd);
}

CASE(directions_differ, "udmabuf.device.second-direction", CATALOGUE("IMP-15"), CLASS(IMPL),
     STATEMENT("A device that mapped in one direction, and unmapped, maps in another; up to 6.12 "
	       "that is EBUSY, because the first mapping is kept until the device is detached."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_ops.cache_sgt_mapping; drivers/dma-buf/dma-buf.c: "
	    "dma_buf_map_attachment()"),
     NEEDS("udmabuf device"), EXPECTED({NULL, "6.12", EBUSY}, {"6.13", NULL, 0}))
{
	int memfd, buffer = filled(1, &memfd), expected = (int)fp_expected();
	uint32_t attachment = device_attach(device_make(), buffer);

	EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
	device_unmap(attachment);
	EXPECT_EQ(device_map(attachment, FENCEPOST_FROM_DEVICE) ? errno : 0, expected);
	if (!expected)
		device_unmap(attachment);
	EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
}

CASE(covers, "udmabuf.device.covers", CATALOGUE("IMP-02"), CLASS(ABI),
     STATEMENT("A mapping covers exactly the buffer, in pieces of whole pages at page-aligned "
	       "addresses."),
     MAP_SOURCE, NEEDS("udmabuf device"))
{
	static const size_t pages[] = {1, 2, PAGES};
	int memfd = memfd_for_udmabuf(PAGES * page_size());

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		int buffer = udmabuf_of(memfd, pages[i] * page_size());

		fp_context("%zu pages", pages[i]);
		expect_covers(device_with(buffer, FENCEPOST_BIDIRECTIONAL), pages[i] * page_size());
	}
}

/* A part of a memfd that is mapped as a whole and was filled with `seed`. */
struct range {
	unsigned char *file;
	uint32_t seed;
};

/* The device finds the list's ranges in its order; what it writes the memfds find in their places.
 * The buffer itself is not mapped: docs/findings.md tells what that does to huge pages in 6.1. */
static void expect_order(int device, const struct udmabuf_create_item *items, uint32_t count,
			 size_t bytes, const struct range *ranges)
{
	int buffer = MUST(udmabuf_create_list(device, items, count, 0));
	unsigned char *copy = malloc(bytes);
	uint32_t attachment = device_with(buffer, FENCEPOST_BIDIRECTIONAL);
	size_t at = 0;

	EXPECT_TRUE(copy);
	EXPECT_EQ(buffer_size(buffer), bytes);
	device_read(attachment, 0, copy, bytes);
	for (uint32_t i = 0; i < count; i++) {
		fp_context("range %u", i);
		EXPECT_FILLED(copy + at, items[i].offset, items[i].size, ranges[i].seed);
		at += items[i].size;
	}
	/* Where devices share memory with programs; bounced writes are udmabuf.bounce's matter. */
	if (device_bounces())
		return;
	fill(copy, 0, bytes, 77);
	device_write(attachment, 0, copy, bytes);
	at = 0;
	for (uint32_t i = 0; i < count; i++) {
		fp_context("range %u, written by the device", i);
		EXPECT_FILLED(ranges[i].file + items[i].offset, at, items[i].size, 77);
		at += items[i].size;
	}
	free(copy);
}

CASE(order, "udmabuf.device.order", CATALOGUE("IMP-03"), CLASS(ABI),
     STATEMENT("Byte by byte a device reads what is in the memfds, in the order of the list, and "
	       "writes where programs see it."),
     MAP_SOURCE, NEEDS("udmabuf device"))
{
	size_t page = page_size();
	int memfds[2], device = udmabuf_open();
	struct range ranges[4];
	struct udmabuf_create_item items[] = {{.offset = 3 * page, .size = 2 * page},
					      {.offset = 0, .size = page},
					      {.offset = 7 * page, .size = page},
					      {.offset = 4 * page, .size = 5 * page}};

	for (int i = 0; i < 2; i++) {
		int buffer = filled(11 + (uint32_t)i, &memfds[i]);

		MUST(close(buffer));
	}
	for (int i = 0; i < 4; i++) {
		items[i].memfd = (uint32_t)memfds[i % 2];
		ranges[i] = (struct range){buffer_map(memfds[i % 2], PAGES * page),
					   11 + (uint32_t)i % 2};
	}
	expect_order(device, items, 4, 9 * page, ranges);
}

CASE(order_huge, "udmabuf.device.order-huge", CATALOGUE("IMP-03"), CLASS(ABI),
     STATEMENT("The same for huge pages, from the middle of one to the middle of the next."),
     MAP_SOURCE, SINCE("6.1"), NEEDS("udmabuf device hugepages"))
{
	size_t page = page_size(), huge = huge_page_size();
	int memfd = memfd_huge(2), device = udmabuf_open();
	unsigned char *at = (unsigned char *)memfd_reserve(memfd, 2);
	struct range ranges[] = {{at, 21}, {at, 21}};
	struct udmabuf_create_item items[] = {
		{.memfd = (uint32_t)memfd, .offset = huge - 4 * page, .size = 7 * page},
		{.memfd = (uint32_t)memfd, .offset = 5 * page, .size = 3 * page}};

	fill(at, 0, 2 * huge, 21);
	expect_order(device, items, 2, 10 * page, ranges);
}

CASE(own, "udmabuf.device.own-tables", CATALOGUE("IMP-04"), CLASS(ABI),
     STATEMENT("Each device has a mapping of its own, which stays when another's goes."),
     MAP_SOURCE, NEEDS("udmabuf device"))
{
	size_t bytes = PAGES * page_size();
	int memfd, buffer = filled(31, &memfd);
	uint32_t narrow = device_make_limited((struct fencepost_device){.mask = UINT32_MAX}),
		 first = device_with(buffer, FENCEPOST_BIDIRECTIONAL),
		 second = device_attach(narrow, buffer);
	unsigned char *copy = malloc(bytes);

	EXPECT_TRUE(copy);
	EXPECT_OK(device_map(second, FENCEPOST_TO_DEVICE));
	device_read(second, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 31);
	device_unmap(second);
	device_detach(second);
	device_read(first, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 31);
}

CASE(keeps, "udmabuf.device.keeps-pages", CATALOGUE("LIFE-07"), CLASS(ABI),
     STATEMENT("A device that is attached keeps the pages when buffer and memfd are closed."),
     SOURCE("drivers/dma-buf/udmabuf.c: release_udmabuf(); drivers/dma-buf/dma-buf.c: "
	    "dma_buf_get()"),
     NEEDS("udmabuf device"))
{
	size_t bytes = PAGES * page_size();
	int memfd, buffer = filled(41, &memfd);
	uint32_t attachment = device_with(buffer, FENCEPOST_BIDIRECTIONAL);
	unsigned char *copy = malloc(bytes);

	EXPECT_TRUE(copy);
	MUST(close(buffer));
	EXPECT_ERRNO(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	MUST(close(memfd));
	for (int i = 0; i < 4; i++)
		filled(42, &memfd);
	device_read(attachment, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 41);
}

CASE(out_of_reach, "udmabuf.device.out-of-reach", CATALOGUE("IMP-05"), CLASS(ABI),
     STATEMENT("A device that does not reach the pages is refused, and harms nobody else's "
	       "mapping."),
     SOURCE("drivers/dma-buf/udmabuf.c: get_sg_table(); kernel/dma/direct.h: dma_capable()"),
     NEEDS("udmabuf device"))
{
	size_t bytes = PAGES * page_size();
	int memfd, buffer = filled(51, &memfd);
	uint32_t near = device_make_limited((struct fencepost_device){.limit = 0xfff}),
		 wide = device_with(buffer, FENCEPOST_BIDIRECTIONAL),
		 refused = device_attach(near, buffer);
	unsigned char *copy = malloc(bytes);

	EXPECT_TRUE(copy);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(device_map(refused, FENCEPOST_BIDIRECTIONAL), -1);
	device_read(wide, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 51);
	device_detach(refused);
	device_unmap(wide);
	device_detach(wide);
	MUST(close(buffer));
	EXPECT_UNPINNED(memfd);
}
