// SPDX-License-Identifier: MIT
/* Devices that come and go while programs sync, map and look at the same buffers. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "driver-fence.h"
#include "filling.h"
#include "heap.h"
#include "holdings.h"
#include "ion.h"
#include "ktap.h"
#include "pages.h"
#include "played-device.h"
#include "ready.h"
#include "storm-parts.h"

#define START(direction) (DMA_BUF_SYNC_START | DMA_BUF_SYNC_##direction)
#define END(direction)	 (DMA_BUF_SYNC_END | DMA_BUF_SYNC_##direction)

enum { BUFFERS = 2, PAGES = 3, MAPPERS = 2 };

struct stage {
	int buffer[BUFFERS];
};

static struct stage stage_make(void)
{
	struct stage stage;

	for (int i = 0; i < BUFFERS; i++)
		stage.buffer[i] = heap_buffer(PAGES * page_size());
	return stage;
}

static void stage_clear(const struct stage *stage)
{
	for (int i = 0; i < BUFFERS; i++) {
		uint32_t held = kernel_hold(stage->buffer[i]);

		EXPECT_EQ(kernel_state(held).attachments, 0);
		kernel_let_go(held);
		MUST(close(stage->buffer[i]));
	}
}

static int any(struct storm_thread *thread)
{
	const struct stage *stage = thread->shared;

	return stage->buffer[storm_below(thread, BUFFERS)];
}

/* A thread's own, made when it first wants one. */
static uint32_t own_device(void)
{
	static _Thread_local uint32_t device;

	if (!device)
		device = device_make();
	return device;
}

/*
 * Several devices have a buffer mapped at once here. The kernel's own check of the DMA API wants
 * that all of them only read it, and that it is synced as it is mapped.
 */
static void sync_for_writing(struct storm_thread *thread)
{
	int buffer = any(thread);

	MUST(buffer_sync(buffer, START(WRITE)));
	MUST(buffer_sync(buffer, END(WRITE)));
}

static void attach_and_detach(struct storm_thread *thread)
{
	int buffer = any(thread);
	uint32_t first = device_attach(own_device(), buffer), second;

	if (storm_below(thread, 2)) {
		second = device_attach(own_device(), buffer);
		device_detach(first);
		first = second;
	}
	device_detach(first);
}

static void map_and_unmap(int buffer)
{
	uint32_t attachment = device_attach(own_device(), buffer);

	MUST(device_map(attachment, FENCEPOST_TO_DEVICE));
	device_unmap(attachment);
	device_detach(attachment);
}

static void map_and_unmap_any(struct storm_thread *thread)
{
	map_and_unmap(any(thread));
}

static void storm_on_stage(const struct storm_part *parts, size_t count)
{
	const struct holdings before = holdings_now();
	struct stage stage = stage_make();

	storm_parts_run(parts, count, &stage);
	stage_clear(&stage);
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(attach, "importer.storm-attach", CATALOGUE("CONC-01"), CLASS(ABI),
     STATEMENT("Devices attach and detach on several threads while others sync the same buffers: "
	       "safe, and nothing is left."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_buffer.lock; "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_buffer.lock"),
     NEEDS("heap device processors"), TIMEOUT(30000))
{
	const struct storm_part parts[] = {
		{"attach and detach", 3, 250, attach_and_detach},
		{"sync", 2, STORM_UNTIL_OTHERS_END, sync_for_writing},
	};

	storm_on_stage(parts, sizeof(parts) / sizeof(parts[0]));
}

CASE(remap, "importer.storm-remap", CATALOGUE("CONC-02"), CLASS(ABI),
     STATEMENT(
	     "Devices attach, map, unmap and detach while others sync the same buffers: SYNC "
	     "leaves alone what is not mapped any more, and the kernel's own check of the DMA API "
	     "says nothing."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: dma_heap_attachment.mapped; "
	    "kernel/dma/debug.c: check_sync()"),
     NEEDS("heap device processors"), TIMEOUT(30000))
{
	const struct storm_part parts[] = {
		{"map and unmap", 3, 200, map_and_unmap_any},
		{"sync", 2, STORM_UNTIL_OTHERS_END, sync_for_writing},
	};

	storm_on_stage(parts, sizeof(parts) / sizeof(parts[0]));
}

/* A buffer that one device maps and fills, again and again. */
struct mapped {
	int buffer;
	size_t bytes;
	unsigned char *at, *copy;
	uint32_t attachment, round;
};

struct mappers {
	struct mapped of[MAPPERS];
};

/*
 * While the device has the buffer nobody else writes; START and END for reading bring back what it
 * wrote and take nothing to it.
 */
static void map_and_fill(struct storm_thread *thread)
{
	struct mapped *mapped = &((struct mappers *)thread->shared)->of[thread->index % MAPPERS];
	uint32_t seed = 1000 * (thread->index + 1) + ++mapped->round;

	if (!mapped->attachment)
		mapped->attachment = device_attach(own_device(), mapped->buffer);
	MUST(device_map(mapped->attachment, FENCEPOST_BIDIRECTIONAL));
	device_read(mapped->attachment, 0, mapped->copy, mapped->bytes);
	if (mapped->round > 1)
		EXPECT_FILLED(mapped->copy, 0, mapped->bytes, seed - 1);
	fill(mapped->copy, 0, mapped->bytes, seed);
	device_write(mapped->attachment, 0, mapped->copy, mapped->bytes);
	device_unmap(mapped->attachment);
	EXPECT_FILLED(mapped->at, 0, mapped->bytes, seed);
}

static void sync_for_reading(struct storm_thread *thread)
{
	struct mappers *mappers = thread->shared;
	int buffer = mappers->of[storm_below(thread, MAPPERS)].buffer;

	MUST(buffer_sync(buffer, START(READ)));
	MUST(buffer_sync(buffer, END(READ)));
}

CASE(map, "importer.storm-map", CATALOGUE("CONC-02"), CLASS(ABI),
     STATEMENT("Devices map, write and unmap while others sync the same buffers for reading: every "
	       "byte that a device wrote is there after its unmapping, and at its next mapping."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: dma_heap_attachment.mapped"),
     NEEDS("heap device processors"), TIMEOUT(30000))
{
	const struct storm_part parts[] = {
		{"map and fill", MAPPERS, 150, map_and_fill},
		{"sync", 2, STORM_UNTIL_OTHERS_END, sync_for_reading},
	};
	struct mappers mappers;

	for (int i = 0; i < MAPPERS; i++) {
		struct mapped *mapped = &mappers.of[i];

		*mapped = (struct mapped){.bytes = PAGES * page_size()};
		mapped->buffer = heap_buffer(mapped->bytes);
		mapped->at = buffer_map(mapped->buffer, mapped->bytes);
		mapped->copy = malloc(mapped->bytes);
		EXPECT_TRUE(mapped->copy);
	}
	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &mappers);
}

static void access_in_kernel(struct storm_thread *thread)
{
	uint32_t held = kernel_hold(((const struct stage *)thread->shared)->buffer[1]);
	bool mapped = !ion_subject() && storm_below(thread, 2);

	if (mapped)
		kernel_vmap(held);
	MUST(kernel_begin_access(held, FENCEPOST_TO_DEVICE));
	MUST(kernel_end_access(held, FENCEPOST_TO_DEVICE));
	if (mapped)
		kernel_vunmap(held);
	kernel_let_go(held);
}

static void map_and_touch(struct storm_thread *thread)
{
	size_t page = storm_below(thread, PAGES);
	char *at = map_pages(any(thread), page, PAGES - page);

	at[0] = 1;
	unmap_pages(at, PAGES - page);
}

static void fence_and_poll(struct storm_thread *thread)
{
	int buffer = any(thread);
	uint32_t fence =
		driver_fence_on(buffer, storm_below(thread, 2) ? FENCEPOST_READ : FENCEPOST_WRITE);

	/* Not while it is pending: up to 5.10 a buffer may not be closed while it is awaited. */
	driver_fence_end(fence);
	EXPECT_TRUE(buffer_poll(buffer, BOTH, 0) >= 0);
}

/* Not the buffer that others sync: that race is importer.storm-remap's matter. */
static void map_first(struct storm_thread *thread)
{
	map_and_unmap(((const struct stage *)thread->shared)->buffer[0]);
}

static void sync_second(struct storm_thread *thread)
{
	int buffer = ((const struct stage *)thread->shared)->buffer[1];

	MUST(buffer_sync(buffer, START(WRITE)));
	MUST(buffer_sync(buffer, END(WRITE)));
}

CASE(locks, "importer.storm-locks", CATALOGUE("CONC-09"), CLASS(ABI),
     STATEMENT("Attaching, mapping for devices, the kernel and programs, syncing, and adding and "
	       "signalling fences, all at once, take their locks in one order: the kernel's own "
	       "check says nothing, and nobody waits for ever."),
     SOURCE("drivers/dma-buf/dma-buf.c: Documentation of the locking convention; "
	    "drivers/dma-buf/dma-resv.c: dma_resv_lockdep()"),
     NEEDS("heap device processors"), TIMEOUT(30000))
{
	const struct storm_part parts[] = {
		{"attach", 1, 120, attach_and_detach},
		{"map", 1, 120, map_first},
		{"access in the kernel", 1, 120, access_in_kernel},
		{"map and touch", 1, 120, map_and_touch},
		{"fence and poll", 1, 120, fence_and_poll},
		{"sync", 1, STORM_UNTIL_OTHERS_END, sync_second},
	};

	storm_on_stage(parts, sizeof(parts) / sizeof(parts[0]));
}
