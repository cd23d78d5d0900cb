// SPDX-License-Identifier: MIT
/*
 * Who keeps what alive: buffers, their fences, and exported sync_files.
 *
 * A pending fence is listed in sync/info for as long as anything refers to it, so a reference too
 * many, or one too few, shows in timeline_pending().
 */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "descriptors.h"
#include "fence.h"
#include "guarded.h"
#include "heap.h"
#include "ktap.h"
#include "memory.h"
#include "polled.h"
#include "usage.h"
#include "waiter.h"

CASE(keeps, "fence.buffer.import-keeps", CATALOGUE("ESF-12"), CLASS(ABI),
     STATEMENT("A buffer keeps an imported fence when its sync_file is closed."),
     SOURCE("drivers/dma-buf/dma-resv.c: dma_resv_add_fence(), which takes a reference"),
     SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open_named("fp-keeps"));

	import_new(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	EXPECT_EQ(timeline_pending("fp-keeps", NULL), 1);
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_READ);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_READ);
}

CASE(timeline_end, "fence.buffer.timeline-closed", CATALOGUE("ESF-12"), CLASS(ABI),
     STATEMENT("Closing a timeline releases all who wait for its fences in a buffer, with the "
	       "error in an export."),
     SOURCE("drivers/dma-buf/sw_sync.c: sw_sync_debugfs_release()"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open()), exported;
	struct polled reader = {buffer, POLLIN, timeline}, writer = {buffer, POLLOUT, timeline};
	struct waiter waiter[3];

	import_new(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	exported = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	waiter[0] = waiter_start(polled_wait, &reader);
	waiter[1] = waiter_start(polled_wait, &writer);
	waiter[2] = waiter_start(polled_wait, &(struct polled){exported, POLLIN, timeline});
	for (int i = 0; i < 3; i++)
		EXPECT_ASLEEP(&waiter[i]);
	MUST(close(timeline));
	EXPECT_EQ(waiter_answer(&waiter[0]).result, POLLIN);
	EXPECT_EQ(waiter_answer(&waiter[1]).result, POLLOUT);
	EXPECT_EQ(waiter_answer(&waiter[2]).result, POLLIN);
	EXPECT_EQ(fence_status(exported), -ENOENT);
	/* The buffer is idle again, whatever ended its fence. */
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_RW);
}

CASE(closed_pending, "fence.buffer.closed-pending", CATALOGUE("ESF-13"), CLASS(ABI),
     STATEMENT("A buffer that is closed with fences pending is freed, with its references to "
	       "them."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_release(); drivers/dma-buf/dma-resv.c: "
	    "dma_resv_fini()"),
     SINCE("6.1"), NEEDS("heap sw_sync debugfs"))
{
	enum { FENCES = 6 };
	int timeline = MUST(timeline_open_named("fp-closed")), buffer;
	long buffers = live_buffers();

	buffer = heap_buffer(page_size());
	/* An earlier value each time, so that all stay. */
	for (uint32_t i = 0; i < FENCES; i++)
		import_new(buffer, timeline, FENCES - i, usages[i % USAGES]);
	EXPECT_EQ(timeline_pending("fp-closed", NULL), FENCES);
	EXPECT_EQ(live_buffers(), buffers + 1);
	MUST(close(buffer));
	EXPECT_EQ(timeline_pending("fp-closed", NULL), 0);
	EXPECT_EQ(live_buffers(), buffers);
	/* Nothing is told to what is gone. */
	MUST(timeline_increase(timeline, FENCES));
}

CASE(closed_memory, "fence.buffer.closed-pending-memory", CATALOGUE("ESF-13"), CLASS(ABI),
     STATEMENT("The memory of buffers that are closed with fences pending comes back."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_release()"), SINCE("6.1"), NEEDS("heap sw_sync"))
{
	enum { ROUNDS = 32 };
	int timeline = MUST(timeline_open_named("fp-memory"));
	uint64_t before;

	heap_require(MIB);
	before = heap_free_bytes();
	for (int i = 0; i < ROUNDS; i++) {
		int buffer = heap_buffer(MIB), exported;

		import_new(buffer, timeline, 1, DMA_BUF_SYNC_READ);
		import_new(buffer, timeline, 2, DMA_BUF_SYNC_WRITE);
		exported = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
		MUST(close(buffer));
		EXPECT_PENDING(exported);
		MUST(close(exported));
	}
	EXPECT_MEMORY_BACK(before);
	EXPECT_EQ(timeline_pending("fp-memory", NULL), 0);
}

CASE(outlives, "fence.buffer.export-outlives", CATALOGUE("LIFE-09"), CLASS(ABI),
     STATEMENT("An exported sync_file outlives its buffer, does not keep it, and signals "
	       "nevertheless."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_create(), which takes a reference to the "
	    "fence"),
     SINCE("6.1"), NEEDS("heap sw_sync debugfs"))
{
	int first = MUST(timeline_open_named("fp-outlives"));
	int second = MUST(timeline_open_named("fp-other"));
	long buffers = live_buffers();
	int buffer = heap_buffer(page_size()), one, all;

	import_new(buffer, first, 1, DMA_BUF_SYNC_WRITE);
	import_new(buffer, second, 1, DMA_BUF_SYNC_READ);
	one = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	all = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_WRITE));
	MUST(close(buffer));
	EXPECT_EQ(live_buffers(), buffers);
	EXPECT_EQ(timeline_pending("fp-outlives", NULL), 1);
	EXPECT_PENDING(one);
	EXPECT_PENDING(all);
	EXPECT_EQ(fence_count(all), 2);
	MUST(timeline_increase(first, 1));
	EXPECT_SIGNALLED(one);
	EXPECT_PENDING(all);
	MUST(timeline_increase(second, 1));
	EXPECT_SIGNALLED(all);
	/* As good as any: it can be imported again. */
	EXPECT_EQ(buffer_import_fence(heap_buffer(page_size()), all, DMA_BUF_SYNC_WRITE), 0);
}

CASE(references, "fence.buffer.references", CATALOGUE("ESF-13"), CLASS(ABI),
     STATEMENT("Export and import, refused or not, leave no reference to a fence behind."),
     SOURCE(IOCTL_SOURCE), SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open_named("fp-refs"));
	int other = MUST(timeline_open_named("fp-refs-other"));
	int fence = MUST(timeline_fence(timeline, 1)), pair;

	EXPECT_ERRNO(buffer_import_fence(buffer, fence, DMA_BUF_SYNC_END), EINVAL);
	EXPECT_EQ(buffer_import_fence(buffer, fence, DMA_BUF_SYNC_READ), 0);
	EXPECT_EQ(buffer_import_fence(buffer, fence, DMA_BUF_SYNC_WRITE), 0);
	pair = MUST(fence_merge("pair", fence, MUST(timeline_fence(other, 1))));
	EXPECT_EQ(buffer_import_fence(buffer, pair, DMA_BUF_SYNC_RW), 0);
	EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_READ), 2);
	EXPECT_EQ(export_count(buffer, DMA_BUF_SYNC_WRITE), 2);
	MUST(close(pair));
	MUST(close(fence));
	EXPECT_EQ(timeline_pending("fp-refs", NULL), 1);
	MUST(close(buffer));
	EXPECT_EQ(timeline_pending("fp-refs", NULL), 0);
}

#define EXPORTS 6000
/* A sync_file and its struct file are at least 256 bytes; half of all being leaked is to be
 * seen. */
#define LEAK_BYTES   (EXPORTS / 2 * 256)
#define SETTLE_MS    100
#define BACK_WAIT_MS 4000

static void export_in_vain(int buffer)
{
	struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_WRITE, .fd = -1};
	const void *argument = read_only(&export, sizeof(export));

	for (int i = 0; i < EXPORTS; i++)
		EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, argument), EFAULT);
}

CASE(in_vain, "fence.buffer.export-read-only-memory", CATALOGUE("ESF-11"), CLASS(ABI),
     STATEMENT("An export whose result cannot be written is EFAULT and leaves no descriptor, file "
	       "or fence behind."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file()"), SINCE("6.1"),
     NEEDS("heap sw_sync"), TIMEOUT(30000))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open_named("fp-vain"));
	uint64_t before, after;
	int open;

	import_new(buffer, timeline, 1, DMA_BUF_SYNC_WRITE);
	open = descriptors_open();
	/* What is cached is so after the first round; files are freed a grace period late. */
	export_in_vain(buffer);
	usleep(SETTLE_MS * 1000);
	before = meminfo_bytes("SUnreclaim");
	export_in_vain(buffer);
	EXPECT_EQ(descriptors_open(), open);
	after = meminfo_bytes("SUnreclaim");
	for (int waited = 0; after > before + LEAK_BYTES && waited < BACK_WAIT_MS;
	     waited += SETTLE_MS) {
		usleep(SETTLE_MS * 1000);
		after = meminfo_bytes("SUnreclaim");
	}
	MUST(close(buffer));
	EXPECT_EQ(timeline_pending("fp-vain", NULL), 0);
	if (after > before + LEAK_BYTES)
		fp_failf(__FILE__, __LINE__, "SUnreclaim", "no growth to speak of",
			 "%llu KiB more after %d exports",
			 (unsigned long long)(after - before) / 1024, EXPORTS);
}
