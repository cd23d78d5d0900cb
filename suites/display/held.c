// SPDX-License-Identifier: MIT
/* What keeps a buffer that the display has, and what gives it back. */
#include <fcntl.h>
#include <unistd.h>

#include "card.h"
#include "child.h"
#include "filling.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memory.h"
#include "others.h"
#include "screen.h"

#define HELD_SOURCE                                                                                \
	"drivers/dma-buf/dma-buf.c: dma_buf_get(), dma_buf_put(); drivers/gpu/drm/drm_prime.c: "   \
	"drm_prime_gem_destroy()"
#define CHILD_BUFFERS 3

CASE(handle, "display.keeps", CATALOGUE("LIFE-07"), CLASS(ABI),
     STATEMENT("A buffer that the display has taken in lives on when every descriptor is closed, "
	       "with its bytes; letting go of the handle frees it."),
     SOURCE(HELD_SOURCE), SINCE("6.1"), NEEDS("heap debugfs vkms"))
{
	const size_t bytes = picture_bytes();
	struct holdings before;
	int card = card_open(), buffer;
	unsigned char *at;
	uint32_t handle;

	heap_require((1 + OTHERS) * bytes);
	before = holdings_now();
	buffer = heap_buffer(bytes);
	at = buffer_map(buffer, bytes);
	fill(at, 0, bytes, 5);
	buffer_unmap(at, bytes);
	handle = card_import(card, buffer);
	MUST(close(buffer));
	EXPECT_BUFFERS_MORE(&before, 1);
	others_fill(bytes, 99);
	buffer = EXPECT_OK(card_export(card, handle, O_CLOEXEC | O_RDWR));
	at = buffer_map(buffer, bytes);
	EXPECT_FILLED(at, 0, bytes, 5);
	buffer_unmap(at, bytes);
	MUST(close(buffer));
	EXPECT_BUFFERS_MORE(&before, 1);
	EXPECT_OK(card_close_handle(card, handle));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(file, "display.keeps-file", CATALOGUE("LIFE-07"), CLASS(ABI),
     STATEMENT("Closing the display's file gives back all that it has taken in, the buffer that is "
	       "shown too."),
     SOURCE(HELD_SOURCE "; drivers/gpu/drm/drm_file.c: drm_file_free()"), SINCE("6.1"),
     NEEDS("heap debugfs vkms"))
{
	struct holdings before;

	heap_require(3 * picture_bytes());
	MUST(close(card_open()));
	before = holdings_now();
	for (int round = 0; round < 3; round++) {
		int card = card_open();

		for (int i = 0; i < 3; i++) {
			int buffer = heap_buffer(picture_bytes());
			uint32_t handle = card_import(card, buffer);

			picture_draw_into(buffer, 6);
			if (i < round)
				EXPECT_OK(
					screen_show(card, screen_frame(card, handle, page_size())));
			MUST(close(buffer));
		}
		EXPECT_BUFFERS_MORE(&before, 3);
		MUST(close(card));
		EXPECT_HOLDINGS_BACK(&before);
	}
}

/* A process with a display: some of its buffers are closed, one is shown. */
static void hold(void *unused)
{
	int card = card_open();

	(void)unused;
	for (int i = 0; i < CHILD_BUFFERS; i++) {
		int buffer = heap_buffer(picture_bytes());
		uint32_t handle = card_import(card, buffer);

		if (i == 0)
			EXPECT_OK(screen_show(card, screen_frame(card, handle, page_size())));
		if (i != 1)
			MUST(close(buffer));
		if (i == 2)
			EXPECT_EQ(card_import(card, MUST(card_export(card, handle, O_CLOEXEC))),
				  handle);
	}
}

CASE(killed, "display.killed", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT("All that a killed process had given to its display is freed, whatever held it: a "
	       "handle, a descriptor, the screen."),
     SOURCE("kernel/exit.c: exit_files(); " HELD_SOURCE), SINCE("6.1"), NEEDS("heap debugfs vkms"))
{
	struct holdings before;

	heap_require(CHILD_BUFFERS * picture_bytes());
	MUST(close(card_open()));
	before = holdings_now();
	for (int round = 0; round < 3; round++) {
		pid_t child = child_keeping(hold, NULL);

		EXPECT_BUFFERS_MORE(&before, CHILD_BUFFERS);
		child_kill(child);
		EXPECT_HOLDINGS_BACK(&before);
	}
}

CASE(shown, "display.keeps-shown", CATALOGUE("LIFE-07"), CLASS(ABI),
     STATEMENT("What is shown stays as it is when the program has closed the buffer and let go of "
	       "its handle, and others use memory; when nothing is shown any more it is freed."),
     SOURCE(HELD_SOURCE "; drivers/gpu/drm/drm_gem_framebuffer_helper.c: drm_gem_fb_vmap()"),
     SINCE("6.1"), NEEDS("heap debugfs root vkms"), TIMEOUT(30000))
{
	struct holdings before;
	int card = card_open(), buffer;
	uint32_t expected, handle, frame;

	heap_require((1 + OTHERS) * picture_bytes());
	expected = screen_checksum_of(card, 7);
	before = holdings_now();
	buffer = heap_buffer(picture_bytes());
	handle = card_import(card, buffer);
	frame = screen_frame(card, handle, page_size());
	picture_draw_into(buffer, 7);
	EXPECT_OK(screen_show(card, frame));
	MUST(close(buffer));
	EXPECT_OK(card_close_handle(card, handle));
	EXPECT_BUFFERS_MORE(&before, 1);
	others_fill(picture_bytes(), 99);
	EXPECT_EQ(screen_checksum(card), expected);
	screen_off(card);
	screen_remove_frame(card, frame);
	EXPECT_HOLDINGS_BACK(&before);
}
