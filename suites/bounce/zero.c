// SPDX-License-Identifier: MIT
/* A device finds no data of former owners in a buffer, and brings none to the next one. */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

#include "bounce.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memory.h"

#define ZERO_SOURCE                                                                                \
	SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf; "                                \
	       "drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); cma_heap.c: "         \
	       "cma_heap_allocate()")

CASE(zero_device, "bounce.zero-device", CATALOGUE("ZERO-06"), CLASS(ABI),
     STATEMENT("A device that maps a new buffer before any program has touched it reads zeros."),
     ZERO_SOURCE, NEEDS("heap device bounce"))
{
	static const enum fencepost_direction directions[] = {FENCEPOST_BIDIRECTIONAL,
							      FENCEPOST_TO_DEVICE};

	make_free_memory_dirty();
	for (int i = 0; i < 4; i++) {
		struct seen seen = see_buffer(device_room());
		uint32_t attachment = see_device(&seen, directions[i % 2]);

		fp_context("direction %d", directions[i % 2]);
		EXPECT_DEVICE(&seen, attachment, 0);
		/* Dirty again, for the next. */
		write_cpu(&seen, 1);
		device_unmap(attachment);
		device_detach(attachment);
		forget_buffer(&seen);
	}
}

static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(MUST(sched_getcpu()), &here);
	MUST(sched_setaffinity(0, sizeof(here), &here));
}

CASE(zero_untouched, "bounce.zero-untouched", CATALOGUE("ZERO-06"), CLASS(ABI),
     STATEMENT("A device that maps a new buffer for writing and writes nothing leaves nothing of "
	       "another's in it."),
     SOURCE("Documentation/core-api/dma-api.rst: DMA_FROM_DEVICE; kernel/dma/swiotlb.c: "
	    "swiotlb_tbl_map_single()"),
     NEEDS("heap device bounce"))
{
	struct seen other = see_buffer(device_room()), seen;
	uint32_t attachment = see_device(&other, FENCEPOST_BIDIRECTIONAL);
	size_t rounds = pool_bytes() / other.bytes + 1;

	/* Slots are taken in turn, from a part of the pool that goes by the processor. */
	stay_here();
	for (size_t i = 0; i < rounds; i++) {
		if (i)
			EXPECT_OK(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
		if (i % 16 == 0)
			write_device(&other, attachment, 2);
		device_unmap(attachment);
	}
	for (int i = 0; i < 8; i++) {
		seen = see_buffer(device_room());
		attachment = see_device(&seen, FENCEPOST_FROM_DEVICE);
		device_unmap(attachment);
		device_detach(attachment);
		EXPECT_CPU(&seen, 0);
		forget_buffer(&seen);
	}
}

CASE(zero_next_owner, "bounce.zero-next-owner", CATALOGUE("ZERO-07"), CLASS(ABI),
     STATEMENT("What only a device has written is gone when the buffer's memory comes back: "
	       "neither a "
	       "program nor a device finds it."),
     ZERO_SOURCE, NEEDS("heap device bounce"))
{
	for (uint32_t i = 0; i < 8; i++) {
		struct seen seen = see_buffer(device_room());
		uint32_t attachment;

		EXPECT_CPU(&seen, 0);
		attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);
		EXPECT_DEVICE(&seen, attachment, 0);
		write_device(&seen, attachment, 3 + i);
		/* By turns unmapped before the buffer goes, and by the device's own end. */
		if (i % 2)
			device_unmap(attachment);
		forget_buffer(&seen);
		if (!(i % 2))
			device_unmap(attachment);
		device_detach(attachment);
	}
}
