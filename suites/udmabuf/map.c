// SPDX-License-Identifier: MIT
/* What a udmabuf shows: the memfd's own pages, each where it should be. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "udmabuf-node.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "pages.h"

#define FAULT                                                                                      \
	SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_vm_fault(), mmap_udmabuf()"), NEEDS("udmabuf")

enum { PAGES = 8 };

CASE(shared, "udmabuf.map.shared", CATALOGUE("UDB-12"), CLASS(ABI),
     STATEMENT("What is written to the memfd, by write() or a mapping, is seen in the buffer, and "
	       "the other way round."),
     FAULT)
{
	int memfd = memfd_for_udmabuf(PAGES * page_size());
	int buffer = udmabuf_of(memfd, PAGES * page_size());
	char *ours = map_pages(buffer, 0, PAGES), *file = map_pages(memfd, 0, PAGES), byte;
	off_t last = (off_t)(PAGES * page_size()) - 1;

	mark_pages(file, 0, PAGES, 0x21);
	EXPECT_PAGES(ours, 0, PAGES, 0x21);
	mark_pages(ours, 0, PAGES, 0x22);
	EXPECT_PAGES(file, 0, PAGES, 0x22);
	EXPECT_EQ(pwrite(memfd, "x", 1, last), 1);
	EXPECT_EQ(ours[last], 'x');
	ours[last] = 'y';
	EXPECT_EQ(pread(memfd, &byte, 1, last), 1);
	EXPECT_EQ(byte, 'y');
}

CASE(before, "udmabuf.map.earlier-data", CATALOGUE("UDB-12"), CLASS(ABI),
     STATEMENT("What the memfd held before is in the buffer; pages that were not there are zero."),
     FAULT)
{
	size_t page = page_size();
	int memfd = memfd_for_udmabuf(3 * page);
	char *middle = map_pages(memfd, 1, 1), *ours;

	mark_pages(middle, 1, 1, 0x23);
	ours = map_pages(udmabuf_of(memfd, 3 * page), 0, 3);
	EXPECT_PAGES(ours + page, 1, 1, 0x23);
	for (size_t i = 0; i < page; i++)
		if (ours[i] || ours[2 * page + i])
			fp_failf(__FILE__, __LINE__, "a page not there before", "zeros",
				 "%#x at %zu", ours[i] | ours[2 * page + i], i);
}

CASE(outlives, "udmabuf.map.outlives-memfd", CATALOGUE("UDB-12"), CLASS(ABI),
     STATEMENT("A mapping keeps its pages when the buffer's descriptor and the memfd are closed."),
     FAULT)
{
	int memfd = memfd_for_udmabuf(PAGES * page_size());
	int buffer = udmabuf_of(memfd, PAGES * page_size());
	char *touched = map_pages(buffer, 0, PAGES), *fresh = map_pages(buffer, 0, PAGES), *other;

	mark_pages(touched, 0, PAGES, 0x24);
	MUST(close(buffer));
	MUST(close(memfd));
	/* Whoever gets memory now must not get these pages. */
	other = MUST(
		mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memset(other, 0xee, 4 * MIB);
	EXPECT_PAGES(touched, 0, PAGES, 0x24);
	EXPECT_PAGES(fresh, 0, PAGES, 0x24);
	mark_pages(fresh, 0, PAGES, 0x25);
	EXPECT_PAGES(touched, 0, PAGES, 0x25);
	for (size_t i = 0; i < 4 * MIB; i++)
		EXPECT_TRUE(other[i] == (char)0xee);
}

CASE(windows, "udmabuf.map.offset", CATALOGUE("UDB-12"), CLASS(ABI),
     STATEMENT("A mapping of part of a buffer shows just these pages, whichever is touched first, "
	       "with a hole in it or moved."),
     FAULT)
{
	size_t page = page_size();
	int memfd = memfd_for_udmabuf(PAGES * page);
	int buffer = udmabuf_of(memfd, PAGES * page);
	char *at, *to;

	mark_pages(map_pages(memfd, 0, PAGES), 0, PAGES, 0x26);
	for (size_t first = 0; first < PAGES; first++)
		for (size_t count = 1; first + count <= PAGES; count++) {
			fp_context("%zu pages from page %zu", count, first);
			at = map_pages(buffer, first, count);
			EXPECT_PAGES(at + (count - 1) * page, first + count - 1, 1, 0x26);
			EXPECT_PAGES(at + count / 2 * page, first + count / 2, 1, 0x26);
			EXPECT_PAGES(at, first, count, 0x26);
			unmap_pages(at, count);
		}
	fp_context("a hole");
	at = map_pages(buffer, 1, 6);
	unmap_pages(at + 2 * page, 2);
	EXPECT_PAGES(at + 4 * page, 5, 2, 0x26);
	EXPECT_PAGES(at, 1, 2, 0x26);
	EXPECT_TRUE(!readable(at + 2 * page));
	EXPECT_TRUE(!readable(at + 3 * page));
	fp_context("moved");
	to = reserve_pages(2);
	EXPECT_EQ(
		(long)mremap(at + 4 * page, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to),
		(long)to);
	EXPECT_PAGES(to, 5, 2, 0x26);
}

CASE(fork_shares, "udmabuf.map.fork", CATALOGUE("UDB-12"), CLASS(ABI),
     STATEMENT("A child's mapping is its parent's: what one writes the other sees."), FAULT)
{
	char *at = map_pages(udmabuf_of(memfd_for_udmabuf(2 * page_size()), 2 * page_size()), 0, 2);
	int status = -1;
	pid_t child;

	/* One page has been touched here when the child is made, the other not. */
	mark_pages(at, 0, 1, 0x27);
	child = MUST(fork());
	if (child == 0) {
		EXPECT_PAGES(at, 0, 1, 0x27);
		mark_pages(at, 0, 2, 0x28);
		_exit(0);
	}
	EXPECT_EQ(MUST(waitpid(child, &status, 0)), child);
	EXPECT_EQ(status, 0);
	EXPECT_PAGES(at, 0, 2, 0x28);
}

/* Bytes that tell every place of every memfd: no two pages are alike. */
static void fill(unsigned char *at, size_t bytes, uint32_t seed)
{
	for (size_t i = 0; i < bytes; i++) {
		seed = seed * 1664525 + 1013904223;
		at[i] = (unsigned char)(seed >> 24);
	}
}

CASE(order, "udmabuf.map.list-order", CATALOGUE("UDB-08"), CLASS(ABI),
     STATEMENT("A list's ranges follow one another in its order, byte for byte, also when they "
	       "repeat or overlap."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()"), NEEDS("udmabuf"))
{
	static const struct {
		int memfd;
		unsigned int first, pages;
	} ranges[] = {{1, 3, 2}, {0, 0, 1}, {0, 5, 3}, {1, 0, 4}, {0, 5, 1}, {1, 7, 1}, {0, 0, 8}};
	enum { COUNT = sizeof(ranges) / sizeof(ranges[0]) };
	struct udmabuf_create_item items[COUNT];
	size_t page = page_size(), at = 0;
	int memfds[2], device = udmabuf_open(), buffer;
	unsigned char *files[2], *ours;

	for (int i = 0; i < 2; i++) {
		memfds[i] = memfd_for_udmabuf(PAGES * page);
		files[i] = buffer_map(memfds[i], PAGES * page);
		fill(files[i], PAGES * page, 77 + (uint32_t)i);
	}
	for (size_t i = 0; i < COUNT; i++) {
		items[i] = (struct udmabuf_create_item){.memfd = (uint32_t)memfds[ranges[i].memfd],
							.offset = ranges[i].first * page,
							.size = ranges[i].pages * page};
		at += ranges[i].pages * page;
	}
	buffer = MUST(udmabuf_create_list(device, items, COUNT, 0));
	EXPECT_EQ(buffer_size(buffer), at);
	ours = buffer_map(buffer, at);
	for (size_t i = 0; i < COUNT; i++) {
		fp_context("range %zu", i);
		EXPECT_EQ(memcmp(ours, files[ranges[i].memfd] + ranges[i].first * page,
				 ranges[i].pages * page),
			  0);
		ours += ranges[i].pages * page;
	}
	fp_context("written through the last range");
	fill(ours - 8 * page, 8 * page, 99);
	EXPECT_EQ(memcmp(ours - 8 * page, files[0], 8 * page), 0);
	EXPECT_EQ(memcmp(ours - at + 3 * page, files[0] + 5 * page, 3 * page), 0);
}

static void expect_bounded(int buffer, size_t first, int flags)
{
	size_t page = page_size(), pages = PAGES - first;
	char *at = reserve_pages(pages + 2);
	void *grown;

	MUST(map_raw(at, buffer, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     first * page));
	unmap_pages(at + pages * page, 2);
	grown = mremap(at, pages * page, (pages + 2) * page, flags);
	if (grown == MAP_FAILED)
		EXPECT_EQ(errno, EFAULT);
	else
		at = grown;
	EXPECT_PAGES(at, first, pages, 0x29);
	for (size_t beyond = pages; beyond < pages + 2; beyond++) {
		EXPECT_TRUE(!readable(at + beyond * page));
		EXPECT_TRUE(!writable(at + beyond * page));
	}
}

CASE(past_end, "udmabuf.map.past-end", CATALOGUE("UDB-16"), CLASS(ABI),
     STATEMENT("Nothing beyond a buffer's end can be mapped, or touched in a mapping that was "
	       "grown, though the memfd goes on."),
     FAULT)
{
	size_t page = page_size();
	int memfd = memfd_for_udmabuf((PAGES + 4) * page);
	int buffer = udmabuf_of(memfd, PAGES * page);

	mark_pages(map_pages(memfd, 0, PAGES + 4), 0, PAGES + 4, 0x29);
	EXPECT_ERRNO(map_raw(NULL, buffer, (PAGES + 1) * page, PROT_READ, MAP_SHARED, 0), EINVAL);
	EXPECT_ERRNO(map_raw(NULL, buffer, page, PROT_READ, MAP_SHARED, PAGES * page), EINVAL);
	EXPECT_ERRNO(map_raw(NULL, buffer, 2 * page, PROT_READ, MAP_SHARED, (PAGES - 1) * page),
		     EINVAL);
	expect_bounded(buffer, 0, 0);
	expect_bounded(buffer, 0, MREMAP_MAYMOVE);
	expect_bounded(buffer, PAGES - 1, 0);
	expect_bounded(buffer, PAGES - 1, MREMAP_MAYMOVE);
}

CASE(grow, "udmabuf.map.grow", CATALOGUE("MMAP-11"), CLASS(IMPL),
     STATEMENT("A udmabuf's mapping cannot be grown, not even inside the buffer: EFAULT."),
     SOURCE("drivers/dma-buf/udmabuf.c: mmap_udmabuf(), which marks it VM_PFNMAP and "
	    "VM_DONTEXPAND"),
     SINCE("6.12"), NEEDS("udmabuf"))
{
	int buffer = udmabuf_of(memfd_for_udmabuf(PAGES * page_size()), PAGES * page_size());
	char *at = map_pages(buffer, 0, 2);

	EXPECT_ERRNO((long)mremap(at, 2 * page_size(), 3 * page_size(), MREMAP_MAYMOVE), EFAULT);
}

CASE(private, "udmabuf.map.private", CATALOGUE("MMAP-06"), CLASS(IMPL),
     STATEMENT("A udmabuf cannot be mapped MAP_PRIVATE: EINVAL."),
     SOURCE("drivers/dma-buf/udmabuf.c: mmap_udmabuf()"), NEEDS("udmabuf"))
{
	int buffer = udmabuf_of(memfd_for_udmabuf(page_size()), page_size());

	EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), PROT_READ, MAP_PRIVATE, 0), EINVAL);
	EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE, 0),
		     EINVAL);
}
