// SPDX-License-Identifier: MIT
/* faults.c - every allocation on the way of a call fails once: it ends cleanly, and leaves nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "ktap.h"
#include "buffer-fence.h"
#include "descriptors.h"
#include "fault.h"
#include "fdinfo.h"
#include "fence.h"
#include "heap.h"
#include "holdings.h"
#include "memory.h"

#define ALLOCATE_SOURCE                                                                            \
	"drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); "                            \
	"drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(); drivers/dma-buf/dma-buf.c: "       \
	"dma_buf_export()"
#define SWEEPS 4
/* Open while fault_sweep() runs: /proc/self/fail-nth. */
#define SWEEP_DESCRIPTORS 1

struct call {
	struct holdings before;
	int descriptors;
	int heap, buffer, fence, other;
	size_t bytes;
	void *place; /* for a mapping */
};

static void remember(struct call *call)
{
	call->before = holdings_now();
	call->descriptors = descriptors_open();
}

/* A descriptor that came of it is closed; else none has come. */
static void close_result(void *argument, long result)
{
	struct call *call = argument;

	if (result >= 0)
		MUST(close((int)result));
	EXPECT_EQ(descriptors_open(), call->descriptors + SWEEP_DESCRIPTORS);
	EXPECT_BUFFERS_MORE(&call->before, 0);
}

static long allocate(void *argument)
{
	struct call *call = argument;

	return heap_allocate(call->heap, call->bytes, O_RDWR | O_CLOEXEC, 0);
}

CASE(allocate_faults, "memory.fault-allocate", CATALOGUE("MEM-02"), CLASS(ABI),
     STATEMENT("Whichever allocation of memory fails on the way of a buffer's, the call is ENOMEM "
	       "or succeeds, and nothing is left behind."),
     SOURCE(ALLOCATE_SOURCE), NEEDS("heap fault-injection root"), TIMEOUT(60000))
{
	/* For the system heap, chunks of all its orders; and large enough for a leak to be seen. */
	struct call call = {.heap = heap_open(O_RDWR), .bytes = 3 * MIB + 17 * page_size()};

	heap_require(call.bytes);
	for (int i = 0; i < SWEEPS; i++) {
		remember(&call);
		EXPECT_TRUE(fault_sweep("allocate", allocate, close_result, &call) > 2);
		EXPECT_HOLDINGS_BACK(&call.before);
	}
}

#define OLD_NAME "the name it had"
#define NEW_NAME "a name that takes some memory"

static long set_name(void *argument)
{
	return raw_ioctl(((struct call *)argument)->buffer, DMA_BUF_SET_NAME_B, NEW_NAME);
}

/* A name that could not be set leaves the one before it. */
static void check_name(void *argument, long result)
{
	struct call *call = argument;
	struct fdinfo info;

	fdinfo_read(call->buffer, &info);
	EXPECT_TRUE(info.named);
	EXPECT_EQ(strcmp(info.name, result < 0 ? OLD_NAME : NEW_NAME), 0);
	MUST(raw_ioctl(call->buffer, DMA_BUF_SET_NAME_B, OLD_NAME));
}

CASE(name_faults, "memory.fault-name", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("SET_NAME whose memory fails is ENOMEM, and the buffer is as before."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_set_name()"), NEEDS("heap fault-injection root"))
{
	struct call call = {.buffer = heap_buffer(page_size())};

	MUST(raw_ioctl(call.buffer, DMA_BUF_SET_NAME_B, OLD_NAME));
	EXPECT_TRUE(fault_sweep("SET_NAME", set_name, check_name, &call) >= 1);
}

/*
 * Addresses that nothing of the kernel's tables is made for yet: all that one page of entries maps,
 * with nothing beside it, so that a mapping there needs such a page each time.
 */
static size_t fresh_bytes(void)
{
	return page_size() * (page_size() / sizeof(uint64_t));
}

static void *fresh_place(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uintptr_t from = (uintptr_t)MUST(mmap(NULL, 2 * fresh_bytes(), PROT_NONE, flags, -1, 0));

	return (void *)((from + fresh_bytes() - 1) / fresh_bytes() * fresh_bytes());
}

static long map(void *argument)
{
	struct call *call = argument;
	void *at = mmap(call->place, call->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			call->buffer, 0);

	return at == MAP_FAILED ? -1 : munmap(at, call->bytes);
}

/* The place is kept from everybody else, and its tables are given back. */
static void still_whole(void *argument, long result)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	struct call *call = argument;

	(void)result;
	MUST(mmap(call->place, fresh_bytes(), PROT_NONE, flags, -1, 0));
	EXPECT_EQ(buffer_size(call->buffer), call->bytes);
	EXPECT_BUFFERS_MORE(&call->before, 0);
}

CASE(map_faults, "memory.fault-map", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("mmap() of a buffer whose memory fails is ENOMEM, and holds the buffer no longer."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_mmap_internal(); "
	    "drivers/dma-buf/heaps/system_heap.c: system_heap_mmap()"),
     NEEDS("heap fault-injection root"), TIMEOUT(30000))
{
	struct holdings before = holdings_now();
	struct call call = {.bytes = MIB + 16 * page_size(), .place = fresh_place()};

	call.buffer = heap_buffer(call.bytes);
	remember(&call);
	EXPECT_TRUE(fault_sweep("mmap", map, still_whole, &call) >= 1);
	MUST(close(call.buffer));
	EXPECT_HOLDINGS_BACK(&before);
}

static long import_fence(void *argument)
{
	struct call *call = argument;

	return buffer_import_fence(call->buffer, call->fence, DMA_BUF_SYNC_RW);
}

/* A buffer that had no fence before each call: the room for fences has to be made each time. */
static void renew_buffer(void *argument, long result)
{
	struct call *call = argument;

	(void)result;
	MUST(close(call->buffer));
	EXPECT_BUFFERS_MORE(&call->before, 0);
	call->buffer = heap_buffer(page_size());
}

static void prepare_fences(struct call *call)
{
	int timeline = MUST(timeline_open());

	call->fence = MUST(timeline_fence(timeline, 1));
	call->other = MUST(timeline_fence(MUST(timeline_open()), 1));
	call->bytes = page_size();
}

CASE(import_faults, "memory.fault-import", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("IMPORT_SYNC_FILE whose memory fails is ENOMEM, and the buffer can be freed."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_import_sync_file()"), SINCE("6.1"),
     NEEDS("heap sw_sync fault-injection root"))
{
	struct call call = {0};

	prepare_fences(&call);
	remember(&call);
	call.buffer = heap_buffer(page_size());
	EXPECT_TRUE(fault_sweep("IMPORT_SYNC_FILE", import_fence, renew_buffer, &call) >= 1);
	MUST(close(call.buffer));
	EXPECT_HOLDINGS_BACK(&call.before);
}

static long export_fence(void *argument)
{
	struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_RW, .fd = -1};
	struct call *call = argument;

	return raw_ioctl(call->buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export) ? -1 : export.fd;
}

CASE(export_faults, "memory.fault-export", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("EXPORT_SYNC_FILE whose memory fails is ENOMEM, and leaves no descriptor."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file()"), SINCE("6.1"),
     NEEDS("heap sw_sync fault-injection root"))
{
	struct call call = {0};

	prepare_fences(&call);
	call.buffer = heap_buffer(page_size());
	MUST(buffer_import_fence(call.buffer, call.fence, DMA_BUF_SYNC_READ));
	MUST(buffer_import_fence(call.buffer, call.other, DMA_BUF_SYNC_READ));
	remember(&call);
	EXPECT_TRUE(fault_sweep("EXPORT_SYNC_FILE", export_fence, close_result, &call) >= 2);
}

static long merge(void *argument)
{
	struct call *call = argument;

	return fence_merge("merged", call->fence, call->other);
}

CASE(merge_faults, "memory.fault-merge", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("MERGE whose memory fails is ENOMEM, and leaves no descriptor."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge()"),
     NEEDS("heap sw_sync fault-injection root"))
{
	struct call call = {0};

	prepare_fences(&call);
	remember(&call);
	EXPECT_TRUE(fault_sweep("MERGE", merge, close_result, &call) >= 2);
}
