// SPDX-License-Identifier: MIT
/* What happens when there are no bounce buffers left. */
#include "bounce.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"

/*
 * The kernel's own check of the DMA API wonders at more than 7 mappings of one page, and at more
 * than one of which a device may write through each (kernel/dma/debug.c:
 * active_cacheline_insert()).
 */
enum { MAPPED_MAX = FENCEPOST_MAX_ATTACHMENTS, MAPPED_EACH = 4 };

CASE(exhausted, "bounce.exhausted", CATALOGUE("MEM-05"), CLASS(ABI),
     STATEMENT("A mapping for which no bounce buffer is left is refused; those that there are stay "
	       "good, and it can be had once others are gone."),
     SOURCE("kernel/dma/swiotlb.c: swiotlb_tbl_map_single(); include/linux/dma-buf.h: "
	    "dma_buf_ops.map_dma_buf"),
     NEEDS("heap device bounce"))
{
	struct seen seen[MAPPED_MAX / MAPPED_EACH + 1];
	uint32_t attachments[MAPPED_MAX], device = device_make(), mapped;
	size_t bytes = device_room();

	if (MAPPED_MAX * bytes <= pool_bytes())
		fp_skip("needs small-pool: %d mappings of %zu KiB leave bounce buffers unused",
			MAPPED_MAX, bytes / KIB);
	for (mapped = 0; mapped < MAPPED_MAX; mapped++) {
		struct seen *one = &seen[mapped / MAPPED_EACH];

		if (mapped % MAPPED_EACH == 0) {
			*one = see_buffer(bytes);
			write_cpu(one, 1 + mapped);
		}
		attachments[mapped] = device_attach(device, one->buffer);
		if (device_map(attachments[mapped], FENCEPOST_TO_DEVICE))
			break;
	}
	fp_note("%u mappings of %zu KiB", mapped, bytes / KIB);
	EXPECT_TRUE(mapped > 0);
	EXPECT_TRUE(mapped < MAPPED_MAX);
	for (uint32_t i = 0; i < mapped; i += MAPPED_EACH) {
		EXPECT_DEVICE(&seen[i / MAPPED_EACH], attachments[i], 1 + i);
		EXPECT_CPU(&seen[i / MAPPED_EACH], 1 + i);
	}
	device_unmap(attachments[0]);
	device_unmap(attachments[mapped - 1]);
	EXPECT_OK(device_map(attachments[mapped], FENCEPOST_TO_DEVICE));
	EXPECT_DEVICE(&seen[mapped / MAPPED_EACH], attachments[mapped],
		      1 + mapped - mapped % MAPPED_EACH);
}
