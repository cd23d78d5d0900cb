// SPDX-License-Identifier: MIT
/* Memory that fails on the way of an import, and of a picture's. */
#include <unistd.h>

#include "card.h"
#include "fault.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memory.h"
#include "screen.h"

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
     SINCE("6.1"), NEEDS("heap debugfs fault-injection root"), TIMEOUT(60000))
{
	struct call call = {.card = card_open()};
	struct holdings before = holdings_now();

	call.buffer = heap_buffer(CHUNKED_PAGES * page_size());
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
     SINCE("6.1"), NEEDS("heap debugfs fault-injection root"), TIMEOUT(60000))
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
