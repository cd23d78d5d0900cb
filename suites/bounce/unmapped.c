// SPDX-License-Identifier: MIT
/*
 * SYNC and devices that have not mapped the buffer. Their old addresses belong to someone else by
 * and by: here another buffer is mapped again and again, until its device is given one of them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "bounce.h"
#include "buffer-fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"

/* Slots are taken in turn, from a part of the pool that goes by the processor. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(MUST(sched_getcpu()), &here);
	MUST(sched_setaffinity(0, sizeof(here), &here));
}

static bool meets(uint32_t attachment, const struct fencepost_segment *old, uint32_t old_count)
{
	struct fencepost_segment *now;
	uint32_t count = device_segments(attachment, &now);
	bool met = false;

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < old_count; j++)
			met |= now[i].address < old[j].address + old[j].length &&
			       old[j].address < now[i].address + now[i].length;
	free(now);
	return met;
}

static void sync_unmapped(void)
{
	struct seen once, other;
	struct fencepost_segment *old;
	uint32_t attachment, count, theirs;
	size_t rounds;

	stay_here();
	once = see_buffer(device_room());
	other = see_buffer(device_room());
	rounds = 4 * (pool_bytes() / once.bytes) + 16;
	attachment = see_device(&once, FENCEPOST_BIDIRECTIONAL);
	count = device_segments(attachment, &old);
	device_unmap(attachment);
	write_cpu(&other, 140);
	theirs = device_with(other.buffer, FENCEPOST_BIDIRECTIONAL);
	while (!meets(theirs, old, count) && rounds--) {
		device_unmap(theirs);
		MUST(device_map(theirs, FENCEPOST_BIDIRECTIONAL));
	}
	if (!meets(theirs, old, count))
		fp_skip("needs a bounce buffer that is used again: none of %zu mappings had one",
			4 * (pool_bytes() / once.bytes) + 16);
	/* Of what the other device writes now nobody else has to know. */
	write_device(&other, theirs, 141);
	EXPECT_OK(buffer_sync(once.buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	EXPECT_OK(buffer_sync(once.buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	EXPECT_DEVICE(&other, theirs, 141);
	EXPECT_OK(buffer_sync(once.buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_CPU(&other, 140);
	EXPECT_OK(buffer_sync(once.buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	device_unmap(theirs);
	EXPECT_CPU(&other, 141);
}

CASE(heap, "bounce.sync-unmapped", CATALOGUE("SYNC-11"), CLASS(ABI),
     STATEMENT(
	     "SYNC of a buffer that a device has unmapped moves nothing for it: what another "
	     "device writes into another buffer, at the addresses that the first one had, stays."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: dma_heap_attachment.mapped; "
	    "Documentation/core-api/dma-api.rst: dma_sync_sg_for_device()"),
     NEEDS("heap dma-heap device bounce"))
{
	sync_unmapped();
}

CASE(ion, "bounce.ion-sync-unmapped", CATALOGUE("ION-09"), CLASS(ABI),
     STATEMENT("The same of a buffer of ION's."),
     SOURCE("drivers/staging/android/ion/ion.c: ion_dma_buf_begin_cpu_access(), "
	    "ion_dma_buf_end_cpu_access()"),
     UNTIL("5.10"), NEEDS("heap:ion device bounce"))
{
	sync_unmapped();
}
