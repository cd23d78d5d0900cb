// SPDX-License-Identifier: MIT
/* Very many attachments to one buffer, one after the other, and what they leave behind. */
#include <unistd.h>

#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "played-device.h"
#include "slab.h"

/* What each leaves behind adds up to enough: 32 bytes at least, a list of one piece. */
enum { CYCLES = 6000, PAGES = 3, LEAK_BYTES = 100 * 1024 };

struct attached {
	uint32_t device;
	int buffer;
	int times;
};

static void attach_and_detach(void *argument)
{
	const struct attached *attached = argument;

	for (int i = 0; i < attached->times; i++) {
		uint32_t attachment = device_attach(attached->device, attached->buffer);

		if (i % 8 == 0) {
			MUST(device_map(attachment, FENCEPOST_TO_DEVICE));
			device_unmap(attachment);
		}
		device_detach(attachment);
	}
}

CASE(cycles, "importer.cycles", CATALOGUE("LIFE-11"), CLASS(ABI),
     STATEMENT("Thousands of attachments that come and go, mapped or not, leave nothing behind."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_detach(); drivers/dma-buf/heaps/system_heap.c: "
	    "system_heap_detach(); cma_heap.c: cma_heap_detach()"),
     NEEDS("heap device"), TIMEOUT(60000))
{
	const struct holdings before = holdings_now();
	struct attached attached = {device_make(), heap_buffer(PAGES * page_size()), CYCLES / 5};

	/* What is cached or held back for a while is so after these. */
	attach_and_detach(&attached);
	attached.times = CYCLES;
	EXPECT_SLAB_FLAT(attach_and_detach, &attached, LEAK_BYTES);
	device_destroy(attached.device);
	MUST(close(attached.buffer));
	EXPECT_HOLDINGS_BACK(&before);
}
