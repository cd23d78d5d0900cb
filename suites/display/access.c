// SPDX-License-Identifier: MIT
/* A program's access to a buffer that the display has. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "bufinfo.h"
#include "buffer-fence.h"
#include "card.h"
#include "filling.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memory.h"
#include "screen.h"
#include "storm.h"

#define SYNC_SOURCE                                                                                \
	SOURCE("Documentation/driver-api/dma-buf.rst: CPU Access to DMA Buffer Objects; "          \
	       "drivers/dma-buf/heaps/system_heap.c, cma_heap.c: begin_cpu_access, "               \
	       "end_cpu_access")

static const uint64_t directions[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};

CASE(sync, "display.sync", CATALOGUE("SYNC-12"), CLASS(ABI),
     STATEMENT("START and END work in every direction while the display has the buffer, and while "
	       "it shows it; what was written between them is there, every byte, after the next "
	       "START and when the display has let go."),
     SYNC_SOURCE, SINCE("6.1"), NEEDS("heap vkms"))
{
	const size_t bytes = picture_bytes();
	int card = card_open(), buffer;
	unsigned char *at;
	uint32_t handle, frame;

	heap_require(bytes);
	buffer = heap_buffer(bytes);
	at = buffer_map(buffer, bytes);
	handle = card_import(card, buffer);
	frame = screen_frame(card, handle, page_size());
	for (uint32_t round = 0; round < 6; round++) {
		const uint64_t direction = directions[round % 3];

		fp_context("round %u", round);
		if (round == 3)
			EXPECT_OK(screen_show(card, frame));
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
		fill(at, 0, bytes, 41 + round);
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | direction));
		EXPECT_FILLED(at, 0, bytes, 41 + round);
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | direction));
	}
	screen_off(card);
	screen_remove_frame(card, frame);
	EXPECT_OK(card_close_handle(card, handle));
	EXPECT_FILLED(at, 0, bytes, 46);
}

struct together {
	int card, buffer;
};

#define TURNS 120

static void turn(struct storm_thread *thread)
{
	const struct together *with = thread->shared;
	int card = thread->index % 2 ? -1 : card_open();

	for (int i = 0; i < TURNS; i++) {
		uint64_t direction = directions[storm_below(thread, 3)];

		if (card >= 0) {
			uint32_t handle = card_import(card, with->buffer);

			EXPECT_OK(card_close_handle(card, handle));
		} else {
			EXPECT_OK(buffer_sync(with->buffer, DMA_BUF_SYNC_START | direction));
			EXPECT_OK(buffer_sync(with->buffer, DMA_BUF_SYNC_END | direction));
		}
	}
	if (card >= 0)
		MUST(close(card));
}

CASE(storm, "display.storm-sync", CATALOGUE("CONC-01"), CLASS(ABI),
     STATEMENT("Displays may take a buffer in and let go of it while programs SYNC it."),
     SYNC_SOURCE, SINCE("6.1"), NEEDS("heap debugfs vkms"), TIMEOUT(60000))
{
	struct holdings before;
	struct together with;

	MUST(close(card_open()));
	before = holdings_now();
	with.buffer = heap_buffer(card_pages() * page_size());
	storm_run(4, turn, &with);
	EXPECT_EQ(attached_to(with.buffer), 0);
	MUST(close(with.buffer));
	EXPECT_HOLDINGS_BACK(&before);
}
