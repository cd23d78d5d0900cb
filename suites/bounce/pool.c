// SPDX-License-Identifier: MIT
/* What happens when there are no bounce buffers left. */
#include "bounce.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"

CASE(exhausted, "bounce.exhausted", CATALOGUE("MEM-05"), CLASS(ABI),
     STATEMENT("A mapping for which no bounce buffer is left is refused; those that there are stay "
	       "good, and it can be had once others are gone."),
     SOURCE("kernel/dma/swiotlb.c: swiotlb_tbl_map_single(); include/linux/dma-buf.h: "
	    "dma_buf_ops.map_dma_buf"),
     NEEDS("heap device bounce"))
{
	struct seen seen = see_buffer(device_room());
	uint32_t attachments[FENCEPOST_MAX_ATTACHMENTS], device = device_make(), mapped;

	write_cpu(&seen, 1);
	for (mapped = 0; mapped < FENCEPOST_MAX_ATTACHMENTS; mapped++) {
		attachments[mapped] = device_attach(device, seen.buffer);
		if (device_map(attachments[mapped], FENCEPOST_BIDIRECTIONAL))
			break;
	}
	if (mapped == FENCEPOST_MAX_ATTACHMENTS)
		fp_skip("needs memory: %u mappings of %zu KiB leave bounce buffers unused", mapped,
			seen.bytes / KIB);
	fp_note("%u mappings of %zu KiB", mapped, seen.bytes / KIB);
	EXPECT_TRUE(mapped > 0);
	EXPECT_DEVICE(&seen, attachments[0], 1);
	EXPECT_DEVICE(&seen, attachments[mapped - 1], 1);
	EXPECT_CPU(&seen, 1);
	device_unmap(attachments[0]);
	device_unmap(attachments[mapped - 1]);
	EXPECT_OK(device_map(attachments[mapped], FENCEPOST_BIDIRECTIONAL));
	EXPECT_DEVICE(&seen, attachments[mapped], 1);
}
