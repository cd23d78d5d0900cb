// SPDX-License-Identifier: MIT
/* Where a heap's memory lies. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "facts.h"
#include "heap.h"
#include "ktap.h"
#include "memory.h"
#include "played-device.h"

/* What was seen of all buffers so far. */
struct seen {
	uint64_t highest;
	uint64_t shortest_piece, longest_piece; /* bytes */
	uint64_t alignment;
	size_t most_pieces;
};

static uint64_t alignment_of(uint64_t address)
{
	return address ? address & -address : UINT64_C(1) << 63;
}

static void see_piece(struct seen *seen, uint64_t bytes)
{
	if (!seen->shortest_piece || bytes < seen->shortest_piece)
		seen->shortest_piece = bytes;
	if (bytes > seen->longest_piece)
		seen->longest_piece = bytes;
}

/* Where the pages are by a mapping in the kernel; false where there is none to be had. */
static bool pages_by_vmap(int buffer, uint64_t *pages, uint32_t count)
{
	uint32_t held = kernel_hold(buffer);
	struct fencepost_vmap wanted = {.buffer = held};
	bool mapped = !device_ioctl(FENCEPOST_IOC_VMAP, &wanted);

	if (mapped) {
		kernel_pages(held, pages, count);
		kernel_vunmap(held);
	}
	kernel_let_go(held);
	return mapped;
}

/* The same by what a device is given, where that is the buffer's own memory. */
static void pages_by_device(int buffer, uint64_t *pages, uint32_t count)
{
	struct fencepost_segment *pieces;
	uint32_t device = device_make(), attachment = device_attach(device, buffer), found,
		 page = 0;

	if (device_bounces())
		fp_skip("needs vmap: here a device is not given the buffer's own memory");
	MUST(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	found = device_segments(attachment, &pieces);
	for (uint32_t i = 0; i < found; i++)
		for (uint64_t at = 0; at < pieces[i].length && page < count; at += page_size())
			pages[page++] = pieces[i].address + at;
	EXPECT_EQ(page, count);
	free(pieces);
	device_unmap(attachment);
	device_detach(attachment);
	device_destroy(device);
}

/* Looks at the buffer's pages, and keeps what it finds. */
static void see_buffer(struct seen *seen, int buffer, size_t bytes)
{
	uint32_t count = (uint32_t)(bytes / page_size());
	uint64_t *pages = calloc(count, sizeof(*pages));
	size_t pieces = 1, first = 0;

	EXPECT_TRUE(pages);
	if (!pages_by_vmap(buffer, pages, count))
		pages_by_device(buffer, pages, count);
	if (!seen->alignment || alignment_of(pages[0]) < seen->alignment)
		seen->alignment = alignment_of(pages[0]);
	for (size_t i = 0; i < count; i++) {
		if (pages[i] + page_size() - 1 > seen->highest)
			seen->highest = pages[i] + page_size() - 1;
		if (!i || pages[i] == pages[i - 1] + page_size())
			continue;
		see_piece(seen, (i - first) * page_size());
		first = i;
		pieces++;
	}
	see_piece(seen, (count - first) * page_size());
	if (pieces > seen->most_pieces)
		seen->most_pieces = pieces;
	free(pages);
}

CASE(contiguous, "constraints.contiguous", CATALOGUE("CMA-02"), CLASS(IMPL),
     STATEMENT(
	     "For a device that needs contiguous memory: every buffer is one piece, from a page to "
	     "4 MiB."),
     SOURCE("Documentation/userspace-api/dma-buf-heaps.rst: contiguous heaps"),
     NEEDS("heap device"))
{
	static const size_t kib[] = {4, 64, 1024, 1036, 4096};
	struct seen seen = {};

	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < sizeof(kib) / sizeof(kib[0]); i++) {
			size_t bytes = page_align(kib[i] * KIB);

			if (bytes > heap_room())
				continue;
			/* Stays until the case ends, so that the next lies elsewhere. */
			see_buffer(&seen, heap_buffer(bytes), bytes);
		}
	}
	FACT("highest", "0x%llx", (unsigned long long)seen.highest);
	FACT("alignment", "%llu", (unsigned long long)seen.alignment);
	FACT("shortest-piece", "%llu", (unsigned long long)seen.shortest_piece);
	FACT("longest-piece", "%llu", (unsigned long long)seen.longest_piece);
	if (seen.most_pieces > 1)
		NO("contiguous", "a buffer is up to %zu pieces", seen.most_pieces);
	YES("contiguous");
}

CASE(reach_32, "constraints.reach-32-bits", CATALOGUE("IMP-05"), CLASS(IMPL),
     STATEMENT("For a device that reaches 32 bits: it can have a buffer mapped."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf; kernel/dma/direct.h: "
	    "dma_capable()"),
     NEEDS("heap device"))
{
	size_t bytes = page_align(204 * KIB);
	int buffer = heap_buffer(bytes);
	uint32_t device = device_make_limited((struct fencepost_device){.mask = UINT32_MAX}),
		 attachment = device_attach(device, buffer);
	struct fencepost_segment *pieces;
	struct seen seen = {};

	see_buffer(&seen, buffer, bytes);
	if (device_map(attachment, FENCEPOST_BIDIRECTIONAL))
		NO("device-32", "its mapping is refused with %s; the buffer's end is at 0x%llx",
		   fp_errno_name(errno), (unsigned long long)seen.highest);
	for (uint32_t i = device_segments(attachment, &pieces); i--;)
		EXPECT_TRUE(pieces[i].address + pieces[i].length - 1 <= UINT32_MAX);
	FACT("device-32", "%s", device_bounces() || seen.highest > UINT32_MAX ? "bounced" : "yes");
}
