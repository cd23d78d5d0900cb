// SPDX-License-Identifier: MIT
/* SYNC moves data between what programs see and what devices see. */
#include <unistd.h>

#include "bounce.h"
#include "buffer-fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"

#define START(direction) (DMA_BUF_SYNC_START | DMA_BUF_SYNC_##direction)
#define END(direction)	 (DMA_BUF_SYNC_END | DMA_BUF_SYNC_##direction)

#define SYNC_SOURCE                                                                                \
	SOURCE("Documentation/driver-api/dma-buf.rst: CPU Access to DMA Buffer Objects; "          \
	       "drivers/dma-buf/heaps/system_heap.c, cma_heap.c: begin_cpu_access, "               \
	       "end_cpu_access")

CASE(live, "bounce.live", CATALOGUE("SYNC-09"), CLASS(IMPL),
     STATEMENT("Before a sync a device still sees what was there, and a program does not see what "
	       "the device wrote: what the other cases look at is real."),
     SOURCE("kernel/dma/swiotlb.c: swiotlb_bounce()"), NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment;

	write_cpu(&seen, 1);
	attachment = device_with(seen.buffer, FENCEPOST_BIDIRECTIONAL);
	EXPECT_DEVICE(&seen, attachment, 1);
	write_cpu(&seen, 2);
	EXPECT_DEVICE(&seen, attachment, 1);
	write_device(&seen, attachment, 3);
	EXPECT_CPU(&seen, 2);
}

CASE(start_read, "bounce.start-read", CATALOGUE("SYNC-07"), CLASS(ABI),
     STATEMENT("After START for reading, or for both, a program sees every byte that the device "
	       "wrote."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	static const uint64_t starts[] = {START(READ), START(RW)};
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);

	for (uint32_t i = 0; i < 4; i++) {
		fp_context("START for %s", i % 2 ? "both" : "reading");
		write_device(&seen, attachment, 10 + i);
		EXPECT_OK(buffer_sync(seen.buffer, starts[i % 2]));
		EXPECT_CPU(&seen, 10 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END(READ)));
	}
}

CASE(start_again, "bounce.start-again", CATALOGUE("SYNC-07"), CLASS(ABI),
     STATEMENT("What the device wrote in one mapping, or in another after it, a program sees after "
	       "START, whatever SYNC there was before."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_FROM_DEVICE);

	for (uint32_t i = 0; i < 3; i++) {
		write_device(&seen, attachment, 20 + i);
		EXPECT_OK(buffer_sync(seen.buffer, START(READ)));
		EXPECT_CPU(&seen, 20 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END(READ)));
		device_unmap(attachment);
		EXPECT_OK(buffer_sync(seen.buffer, START(RW)));
		EXPECT_OK(buffer_sync(seen.buffer, END(RW)));
		EXPECT_OK(device_map(attachment, FENCEPOST_FROM_DEVICE));
	}
}

CASE(end_write, "bounce.end-write", CATALOGUE("SYNC-08"), CLASS(ABI),
     STATEMENT("After END for writing, or for both, the device sees every byte that a program "
	       "wrote."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	static const uint64_t ends[] = {DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);

	for (uint32_t i = 0; i < 4; i++) {
		fp_context("END for %s", i % 2 ? "both" : "writing");
		EXPECT_OK(buffer_sync(seen.buffer, DMA_BUF_SYNC_START | ends[i % 2]));
		write_cpu(&seen, 30 + i);
		EXPECT_OK(buffer_sync(seen.buffer, DMA_BUF_SYNC_END | ends[i % 2]));
		EXPECT_DEVICE(&seen, attachment, 30 + i);
	}
}

CASE(end_to_device, "bounce.end-write-to-device", CATALOGUE("SYNC-08"), CLASS(ABI),
     STATEMENT("A device that only reads sees what was written before it mapped the buffer, and "
	       "after END what is written since."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment;

	write_cpu(&seen, 40);
	attachment = see_device(&seen, FENCEPOST_TO_DEVICE);
	EXPECT_DEVICE(&seen, attachment, 40);
	EXPECT_OK(buffer_sync(seen.buffer, START(WRITE)));
	write_cpu(&seen, 41);
	EXPECT_OK(buffer_sync(seen.buffer, END(WRITE)));
	EXPECT_DEVICE(&seen, attachment, 41);
}

CASE(read_modify_write, "bounce.read-modify-write", CATALOGUE("SYNC-13"), CLASS(ABI),
     STATEMENT("Between START and END for both a program may change part of what the device wrote: "
	       "the "
	       "device finds that part new, and the rest as it was."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.begin_cpu_access"), NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	size_t half = seen.bytes / 2 + 3;
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);

	write_device(&seen, attachment, 45);
	EXPECT_OK(buffer_sync(seen.buffer, START(RW)));
	fill(seen.at, 0, half, 46);
	EXPECT_OK(buffer_sync(seen.buffer, END(RW)));
	device_read(attachment, 0, seen.copy, seen.bytes);
	EXPECT_FILLED(seen.copy, 0, half, 46);
	EXPECT_FILLED(seen.copy + half, half, seen.bytes - half, 45);
}

CASE(nested, "bounce.nested", CATALOGUE("SYNC-05"), CLASS(IMPL),
     STATEMENT("A START or END while another access has not ended moves data as any other does."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);

	for (uint32_t i = 0; i < 3; i++) {
		fp_context("START %u", i + 1);
		write_device(&seen, attachment, 47 + i);
		EXPECT_OK(buffer_sync(seen.buffer, START(RW)));
		EXPECT_CPU(&seen, 47 + i);
	}
	for (uint32_t i = 0; i < 3; i++) {
		fp_context("END %u", i + 1);
		write_cpu(&seen, 87 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END(RW)));
		EXPECT_DEVICE(&seen, attachment, 87 + i);
	}
}

enum { DEVICES = 3 };

CASE(every_reader, "bounce.every-device-reads", CATALOGUE("SYNC-10"), CLASS(ABI),
     STATEMENT(
	     "END makes what a program wrote visible to every device that has the buffer mapped."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachments[DEVICES];

	for (int i = 0; i < DEVICES; i++)
		attachments[i] = see_device(&seen, FENCEPOST_BIDIRECTIONAL);
	for (uint32_t round = 0; round < 2; round++) {
		EXPECT_OK(buffer_sync(seen.buffer, START(WRITE)));
		write_cpu(&seen, 50 + round);
		EXPECT_OK(buffer_sync(seen.buffer, END(WRITE)));
		for (int i = 0; i < DEVICES; i++) {
			fp_context("device %d of %d", i + 1, DEVICES);
			EXPECT_DEVICE(&seen, attachments[i], 50 + round);
		}
	}
}

CASE(every_writer, "bounce.every-device-writes", CATALOGUE("SYNC-10"), CLASS(ABI),
     STATEMENT("START makes visible what a device wrote, whichever of those that are attached."),
     SYNC_SOURCE, NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachments[DEVICES];

	for (int i = 0; i < DEVICES; i++) {
		attachments[i] = see_device(&seen, FENCEPOST_BIDIRECTIONAL);
		device_unmap(attachments[i]);
	}
	/* One at a time: each bounce buffer would bring back all of itself, old bytes and new. */
	for (uint32_t i = 0; i < DEVICES; i++) {
		fp_context("device %u of %d", i + 1, DEVICES);
		EXPECT_OK(device_map(attachments[i], FENCEPOST_BIDIRECTIONAL));
		write_device(&seen, attachments[i], 60 + i);
		EXPECT_OK(buffer_sync(seen.buffer, START(READ)));
		EXPECT_CPU(&seen, 60 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END(READ)));
		device_unmap(attachments[i]);
	}
}

CASE(whole, "bounce.whole-length", CATALOGUE("SYNC-12"), CLASS(ABI),
     STATEMENT(
	     "Both START and END move the whole buffer, the last chunk and an odd page included."),
     SYNC_SOURCE, NEEDS("heap device bounce"), EXPECTED({NULL, "5.10", 252}, {"5.11", NULL, 972}))
{
	size_t sizes[BOUNCE_SIZES];

	/* Up to 5.10 neighbouring pages become one chunk, however many. */
	bounce_sizes(sizes, (size_t)fp_expected());
	for (uint32_t i = 0; i < BOUNCE_SIZES; i++) {
		struct seen seen = see_buffer(sizes[i]);
		uint32_t attachment;

		fp_context("a buffer of %zu bytes", sizes[i]);
		attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL);
		write_device(&seen, attachment, 70 + i);
		EXPECT_OK(buffer_sync(seen.buffer, START(READ)));
		EXPECT_CPU(&seen, 70 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END(READ)));
		EXPECT_OK(buffer_sync(seen.buffer, START(WRITE)));
		write_cpu(&seen, 80 + i);
		EXPECT_OK(buffer_sync(seen.buffer, END(WRITE)));
		EXPECT_DEVICE(&seen, attachment, 80 + i);
		device_unmap(attachment);
		device_detach(attachment);
		forget_buffer(&seen);
	}
}

CASE(in_kernel, "bounce.kernel-access", CATALOGUE("SYNC-17"), CLASS(ABI),
     STATEMENT("A driver's begin and end of access move data as SYNC does, in each direction."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_begin_cpu_access(), dma_buf_end_cpu_access()"),
     NEEDS("heap device bounce vmap"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachment = see_device(&seen, FENCEPOST_BIDIRECTIONAL),
		 held = kernel_hold(seen.buffer);

	kernel_vmap(held);
	for (uint32_t both = 0; both < 2; both++) {
		write_device(&seen, attachment, 90 + both);
		EXPECT_OK(kernel_begin_access(held, both ? FENCEPOST_BIDIRECTIONAL
							 : FENCEPOST_FROM_DEVICE));
		kernel_read(held, 0, seen.copy, seen.bytes);
		EXPECT_FILLED(seen.copy, 0, seen.bytes, 90 + both);
		EXPECT_CPU(&seen, 90 + both);
		EXPECT_OK(kernel_end_access(held, FENCEPOST_FROM_DEVICE));
		EXPECT_OK(kernel_begin_access(held, FENCEPOST_TO_DEVICE));
		fill(seen.copy, 0, seen.bytes, 95 + both);
		kernel_write(held, 0, seen.copy, seen.bytes);
		EXPECT_OK(kernel_end_access(held,
					    both ? FENCEPOST_BIDIRECTIONAL : FENCEPOST_TO_DEVICE));
		EXPECT_DEVICE(&seen, attachment, 95 + both);
	}
	kernel_vunmap(held);
}

CASE(unmap, "bounce.unmap", CATALOGUE("SYNC-19"), CLASS(ABI),
     STATEMENT("Unmapping ends the device's access: a program sees then what the device wrote, "
	       "without "
	       "any SYNC."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.unmap_dma_buf; "
	    "drivers/dma-buf/heaps/system_heap.c: system_heap_unmap_dma_buf()"),
     NEEDS("heap device bounce"))
{
	static const enum fencepost_direction directions[] = {FENCEPOST_FROM_DEVICE,
							      FENCEPOST_BIDIRECTIONAL};
	struct seen seen = see_buffer(device_room());

	for (uint32_t i = 0; i < 2; i++) {
		uint32_t attachment = see_device(&seen, directions[i]);

		fp_context("direction %d", directions[i]);
		write_device(&seen, attachment, 100 + i);
		device_unmap(attachment);
		EXPECT_CPU(&seen, 100 + i);
		device_detach(attachment);
	}
}
