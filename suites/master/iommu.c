// SPDX-License-Identifier: MIT
/* Behind an IOMMU, a device reaches what is mapped for it, as it is mapped, for as long as it is.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer-pages.h"
#include "filling.h"
#include "heap.h"
#include "iommu-fault.h"
#include "ktap.h"
#include "pages.h"
#include "played-device.h"

enum { PART = 512 };

/*
 * What is refused is one access: each word would be reported by itself, and drivers report only so
 * many in a while.
 */
enum { STRAY = 4 };

static uint64_t first_address(uint32_t attachment)
{
	struct fencepost_segment *segments;
	uint64_t address;

	EXPECT_TRUE(device_segments(attachment, &segments) > 0);
	address = segments[0].address;
	free(segments);
	return address;
}

CASE(after_unmap, "master.after-unmap", CATALOGUE("IMP-08"), CLASS(ABI),
     STATEMENT("A device that goes on with a buffer after it was unmapped is refused by the IOMMU: "
	       "it neither changes nor finds what is in the buffer."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.unmap_dma_buf; drivers/iommu/dma-iommu.c: "
	    "iommu_dma_unmap_sg()"),
     NEEDS("heap device master iommu"))
{
	int buffer = heap_buffer(page_size());
	unsigned char *at = buffer_map(buffer, page_size()), copy[PART];
	uint32_t attachment = device_attach(device_claim(), buffer);
	uint64_t address;

	fill(at, 0, page_size(), 1);
	MUST(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	address = first_address(attachment);
	device_read(attachment, 0, copy, PART);
	EXPECT_FILLED(copy, 0, PART, 1);
	device_unmap(attachment);
	/* What the device still has in its own memory must not be taken for this. */
	fill(at, 0, page_size(), 2);
	iommu_watch();
	fill(copy, 0, PART, 3);
	device_stray_write(attachment, 0, copy, STRAY);
	EXPECT_FILLED(at, 0, page_size(), 2);
	EXPECT_IOMMU_FAULT(address);
	device_stray_read(attachment, 0, copy, STRAY);
	EXPECT_TRUE(memcmp(copy, at, STRAY) != 0);
}

CASE(to_device, "master.to-device-read-only", CATALOGUE("IMP-09"), CLASS(ABI),
     STATEMENT("A device that has a buffer mapped for reading alone is refused when it writes, and "
	       "the buffer stays as it was."),
     SOURCE("drivers/iommu/dma-iommu.c: dma_info_to_prot(); include/linux/dma-direction.h"),
     NEEDS("heap device master iommu"))
{
	int buffer = heap_buffer(page_size());
	unsigned char *at = buffer_map(buffer, page_size()), copy[PART];
	uint32_t attachment = device_attach(device_claim(), buffer);

	fill(at, 0, page_size(), 1);
	MUST(device_map(attachment, FENCEPOST_TO_DEVICE));
	/* First of all: QEMU's VT-d refuses what it has just translated for a read, but reports it
	 * no more. */
	iommu_watch();
	fill(copy, 0, PART, 2);
	device_write(attachment, 0, copy, STRAY);
	EXPECT_FILLED(at, 0, page_size(), 1);
	EXPECT_IOMMU_FAULT(first_address(attachment));
	device_read(attachment, 0, copy, PART);
	EXPECT_FILLED(copy, 0, PART, 1);
}

/* Pieces of memory that the buffer's pages make. */
static uint32_t pieces_of(int buffer, uint32_t pages)
{
	uint64_t *addresses = buffer_pages(buffer, pages * page_size());
	uint32_t pieces = 1;

	for (uint32_t i = 1; i < pages; i++)
		pieces += addresses[i] != addresses[i - 1] + page_size();
	free(addresses);
	return pieces;
}

CASE(merged, "master.merged", CATALOGUE("IMP-24"), CLASS(ABI),
     STATEMENT(
	     "Behind an IOMMU a mapping has no more pieces than the buffer's memory, covers all of "
	     "it, and the device finds each byte in its place."),
     SOURCE("drivers/iommu/dma-iommu.c: iommu_dma_map_sg(), __finalise_sg(); "
	    "Documentation/core-api/dma-api.rst: dma_map_sg"),
     NEEDS("heap device master iommu vmap"))
{
	uint32_t pages = CHUNKED_PAGES, pieces, count;
	size_t bytes = pages * page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), copy[PART];
	uint32_t attachment = device_attach(device_claim(), buffer);
	struct fencepost_segment *segments;
	uint64_t covered = 0;

	pieces = pieces_of(buffer, pages);
	fill(at, 0, bytes, 1);
	MUST(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	count = device_segments(attachment, &segments);
	fp_note("%u pieces of memory are %u for the device", pieces, count);
	EXPECT_TRUE(count <= pieces);
	for (uint32_t i = 0; i < count; i++)
		covered += segments[i].length;
	EXPECT_EQ(covered, bytes);
	/* In the middle, across the last two pages, and at the end. */
	for (int i = 0; i < 3; i++) {
		const size_t offsets[] = {bytes / 2 + 8, bytes - page_size() - PART / 2,
					  bytes - PART};

		device_read(attachment, offsets[i], copy, PART);
		EXPECT_FILLED(copy, offsets[i], PART, 1);
	}
}
