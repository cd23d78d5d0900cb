// SPDX-License-Identifier: MIT
/* What a program draws is what the display shows. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "bufinfo.h"
#include "buffer-fence.h"
#include "card.h"
#include "fence.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"
#include "screen.h"
#include "udmabuf-node.h"
#include "waiter.h"

#define SHOWN_SOURCE                                                                               \
	SOURCE("drivers/gpu/drm/drm_gem_framebuffer_helper.c: drm_gem_fb_vmap(); "                 \
	       "drivers/dma-buf/dma-buf.c: dma_buf_vmap(); include/linux/dma-buf.h: "              \
	       "dma_buf_ops.vmap")

CASE(drawn, "display.shows", CATALOGUE("IMP-10"), CLASS(ABI),
     STATEMENT("What a program draws between START and END, in any page of the buffer, is what the "
	       "display shows: the same as from memory of its own, and again after another "
	       "picture."),
     SHOWN_SOURCE, SINCE("6.1"), NEEDS("heap debugfs root vkms"), TIMEOUT(30000))
{
	int card = card_open(), buffer;
	uint32_t first, second, frame;

	heap_require(picture_bytes());
	first = screen_checksum_of(card, 11);
	second = screen_checksum_of(card, 12);
	EXPECT_TRUE(first != second);
	buffer = heap_buffer(picture_bytes());
	picture_draw_into(buffer, 11);
	frame = screen_frame(card, card_import(card, buffer), page_size());
	EXPECT_OK(screen_show(card, frame));
	EXPECT_EQ(screen_checksum(card), first);
	/* Shown once more: mapped again before the first mapping is gone. */
	EXPECT_OK(screen_show(card, frame));
	EXPECT_EQ(screen_checksum(card), first);
	picture_draw_into(buffer, 12);
	EXPECT_EQ(screen_checksum(card), second);
	picture_draw_into(buffer, 11);
	EXPECT_EQ(screen_checksum(card), first);
}

#define FRAMES 3

CASE(flips, "display.flips", CATALOGUE("IMP-10"), CLASS(ABI),
     STATEMENT("Buffers shown in turn each show what was drawn there last, while the others are "
	       "drawn anew; the kernel's mappings of those that are not shown are gone with them."),
     SHOWN_SOURCE, SINCE("6.1"), NEEDS("heap debugfs root vkms"), TIMEOUT(60000))
{
	uint32_t expected[FRAMES], frames[FRAMES], handles[FRAMES];
	int card = card_open(), buffers[FRAMES];
	struct holdings before;

	heap_require(FRAMES * picture_bytes());
	for (uint32_t i = 0; i < FRAMES; i++)
		expected[i] = screen_checksum_of(card, 21 + i);
	before = holdings_now();
	for (int i = 0; i < FRAMES; i++) {
		buffers[i] = heap_buffer(picture_bytes());
		handles[i] = card_import(card, buffers[i]);
		frames[i] = screen_frame(card, handles[i], page_size());
	}
	for (int turn = 0; turn < 2 * FRAMES; turn++) {
		int i = turn % FRAMES, next = (turn + 1) % FRAMES;

		fp_context("turn %d", turn);
		picture_draw_into(buffers[i], 21 + (uint32_t)i);
		EXPECT_OK(screen_show(card, frames[i]));
		picture_draw_into(buffers[next], 77);
		EXPECT_EQ(screen_checksum(card), expected[i]);
	}
	/* Nothing but the last is held by the screen. */
	for (int i = 0; i < FRAMES; i++) {
		if (i < FRAMES - 1)
			screen_remove_frame(card, frames[i]);
		EXPECT_OK(card_close_handle(card, handles[i]));
		MUST(close(buffers[i]));
	}
	EXPECT_BUFFERS_MORE(&before, 1);
	EXPECT_EQ(screen_checksum(card), expected[FRAMES - 1]);
	MUST(close(card));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(udmabuf, "display.shows-udmabuf", CATALOGUE("UDB-17"), CLASS(ABI),
     STATEMENT("A udmabuf and a buffer of the heap with one picture look the same."), SHOWN_SOURCE,
     SINCE("6.12"), NEEDS("heap udmabuf debugfs root vkms"), TIMEOUT(30000))
{
	int card = card_open(), buffer, memfd, other;
	struct holdings before;
	uint32_t expected;

	heap_require(picture_bytes());
	expected = screen_checksum_of(card, 31);
	before = holdings_now();
	buffer = heap_buffer(picture_bytes());
	picture_draw_into(buffer, 31);
	EXPECT_OK(screen_show(card, screen_frame(card, card_import(card, buffer), page_size())));
	EXPECT_EQ(screen_checksum(card), expected);
	memfd = memfd_for_udmabuf(picture_bytes());
	other = udmabuf_of(memfd, picture_bytes());
	EXPECT_OK(screen_show(card, screen_frame(card, card_import(card, other), page_size())));
	EXPECT_EQ(attached_to(other), 1);
	picture_draw_into(other, 32);
	EXPECT_EQ(screen_checksum(card) == expected, false);
	picture_draw_into(other, 31);
	EXPECT_EQ(screen_checksum(card), expected);
	MUST(close(buffer));
	MUST(close(other));
	MUST(close(card));
	EXPECT_HOLDINGS_BACK(&before);
	/* Nobody holds its pages any more. */
	EXPECT_UNPINNED(memfd);
}

struct showing {
	int card;
	uint32_t frame;
};

static long show(void *argument)
{
	const struct showing *showing = argument;

	return screen_show(showing->card, showing->frame);
}

CASE(waits, "display.waits", CATALOGUE("ESF-05"), CLASS(ABI),
     STATEMENT("A picture is shown when the fence of who draws it has signalled, and not before; a "
	       "reader's fence keeps no display waiting."),
     SOURCE("drivers/gpu/drm/drm_gem_atomic_helper.c: drm_gem_plane_helper_prepare_fb(); "
	    "include/linux/dma-resv.h: dma_resv_usage_rw(); include/uapi/linux/dma-buf.h: struct "
	    "dma_buf_import_sync_file"),
     SINCE("6.1"), NEEDS("heap sw_sync fence-import vkms"))
{
	int card = card_open(), buffer, timeline = MUST(timeline_open());
	int drawing = MUST(timeline_fence(timeline, 1)),
	    reading = MUST(timeline_fence(timeline, 2));
	struct showing showing = {.card = card};
	struct waiter waiter;

	heap_require(picture_bytes());
	buffer = heap_buffer(picture_bytes());
	showing.frame = screen_frame(card, card_import(card, buffer), page_size());
	EXPECT_OK(buffer_import_fence(buffer, reading, DMA_BUF_SYNC_READ));
	EXPECT_OK(screen_show(card, showing.frame));
	screen_off(card);
	EXPECT_OK(buffer_import_fence(buffer, drawing, DMA_BUF_SYNC_WRITE));
	waiter = waiter_start(show, &showing);
	EXPECT_ASLEEP(&waiter);
	MUST(timeline_increase(timeline, 1));
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
	EXPECT_EQ(fence_status(reading), 0);
}
