// SPDX-License-Identifier: MIT
/* Memory that fails on the way of an import, and of a picture's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "bufinfo.h"
#include "card.h"
#include "fault.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"
#include "screen.h"
#include "udmabuf-node.h"

struct call {
	int card, buffer;
	uint32_t handle, frame;
};

static long import(void *argument)
{
	struct call *call = argument;

	return card_import_raw(call->card, call->buffer, &call->handle);
}

static void let_go(void *argument, long result)
{
	struct call *call = argument;

	if (result >= 0)
		EXPECT_OK(card_close_handle(call->card, call->handle));
	EXPECT_EQ(attached_to(call->buffer), 0);
}

CASE(import, "display.fault-import", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("Whichever allocation fails on the way of an import, it is ENOMEM or succeeds, and "
	       "the buffer is attached to nothing afterwards."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_attach(), dma_buf_map_attachment(); "
	    "drivers/dma-buf/heaps/system_heap.c, cma_heap.c: attach, map_dma_buf"),
     SINCE("6.1"), NEEDS("heap debugfs fault-injection root vkms"), TIMEOUT(60000))
{
	struct call call = {.card = card_open()};
	struct holdings before = holdings_now();

	call.buffer = heap_buffer(card_pages() * page_size());
	EXPECT_TRUE(fault_sweep("import", import, let_go, &call) > 2);
	MUST(close(call.buffer));
	EXPECT_HOLDINGS_BACK(&before);
}

static long show(void *argument)
{
	const struct call *call = argument;

	return screen_show(call->card, call->frame);
}

static void switch_off(void *argument, long result)
{
	struct call *call = argument;

	if (result >= 0)
		screen_off(call->card);
}

CASE(show, "display.fault-show", CATALOGUE("IMP-11"), CLASS(ABI),
     STATEMENT("Whichever allocation fails on the way of a picture to the screen, it is ENOMEM or "
	       "shown, and the buffer is freed afterwards."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap(); drivers/dma-buf/heaps/system_heap.c, "
	    "cma_heap.c: vmap"),
     SINCE("6.1"), NEEDS("heap debugfs fault-injection root vkms"), TIMEOUT(60000))
{
	struct call call = {.card = card_open()};
	struct holdings before = holdings_now();

	call.buffer = heap_buffer(picture_bytes());
	call.handle = card_import(call.card, call.buffer);
	call.frame = screen_frame(call.card, call.handle, page_size());
	EXPECT_TRUE(fault_sweep("show", show, switch_off, &call) > 2);
	MUST(close(call.buffer));
	MUST(close(call.card));
	EXPECT_HOLDINGS_BACK(&before);
}

#define UDMABUF_PAGES 24

struct udmabuf_call {
	int card, device, memfd, buffer;
	uint32_t handle;
};

/* A new one that is given to the display; when that is refused, there is none any more. */
static long create_and_import(void *argument)
{
	struct udmabuf_call *call = argument;
	int buffer = udmabuf_create(call->device, call->memfd, 0, UDMABUF_PAGES * page_size(),
				    UDMABUF_FLAGS_CLOEXEC);
	int error;

	if (buffer < 0)
		return -1;
	if (!card_import_raw(call->card, buffer, &call->handle))
		return call->buffer = buffer;
	error = errno;
	close(buffer);
	errno = error;
	return -1;
}

static void let_udmabuf_go(void *argument, long result)
{
	const struct udmabuf_call *call = argument;

	if (result < 0)
		return;
	EXPECT_EQ(attached_to(call->buffer), 1);
	MUST(close(call->buffer));
	EXPECT_OK(card_close_handle(call->card, call->handle));
}

CASE(udmabuf, "display.fault-udmabuf", CATALOGUE("MEM-03"), CLASS(ABI),
     STATEMENT("Whichever allocation fails on the way of a udmabuf and its import, it is ENOMEM or "
	       "succeeds, and nobody holds the memfd's pages afterwards."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create(), get_sg_table()"), SINCE("6.12"),
     NEEDS("heap udmabuf debugfs fault-injection root vkms"), TIMEOUT(60000))
{
	struct udmabuf_call call = {
		.card = card_open(),
		.device = udmabuf_open(),
		.memfd = memfd_for_udmabuf(UDMABUF_PAGES * page_size()),
	};
	struct holdings before = holdings_now();

	EXPECT_TRUE(fault_sweep("udmabuf", create_and_import, let_udmabuf_go, &call) > 4);
	EXPECT_BUFFERS_MORE(&before, 0);
	EXPECT_UNPINNED(call.memfd);
}
