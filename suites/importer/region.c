// SPDX-License-Identifier: MIT
/* A heap that has a region of memory of its own takes its buffers from there, and nowhere else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer-pages.h"
#include "cma-place.h"
#include "heap.h"
#include "ktap.h"
#include "needs.h"
#include "played-device.h"
#include "tree-regions.h"

/* Buffers of this size until the region has none left, and no more than this many. */
#define PIECE	   MIB
#define PIECES_MAX 4096

/* The heap's own region: the one called as it is, else the one that its first buffer lies in. */
static struct cma_place own_region(void)
{
	struct cma_place place, places[2];
	uint64_t *pages;
	int buffer;

	if (!cma_places(places, 2))
		fp_skip("needs cma-places: debugfs tells of no CMA area");
	if (cma_place_named(fp_subject(), &place))
		return place;
	buffer = heap_buffer(page_size());
	pages = buffer_pages(buffer, page_size());
	if (!cma_place_at(pages[0], &place)) {
		if (!strcmp(fp_heap_kind(), "cma"))
			fp_failf(__FILE__, __LINE__, "the heap's first page", "in a CMA area",
				 "at 0x%llx, in none", (unsigned long long)pages[0]);
		fp_skip("needs region: this heap's buffers lie in no CMA area");
	}
	free(pages);
	MUST(close(buffer));
	return place;
}

static void expect_inside(const struct cma_place *place, int buffer, size_t bytes)
{
	uint64_t *pages = buffer_pages(buffer, bytes);

	for (size_t i = 0; i < bytes / page_size(); i++)
		if (pages[i] < place->address || pages[i] - place->address >= place->bytes)
			fp_failf(__FILE__, __LINE__, "a page of the buffer", place->name,
				 "0x%llx, outside of it", (unsigned long long)pages[i]);
	free(pages);
}

CASE(region, "importer.region", CATALOGUE("CMA-08"), CLASS(ABI),
     STATEMENT("A heap with a region of its own takes every page from there: from its first buffer "
	       "until the region has none left, and is refused then."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate()"), NEEDS("heap device vmap"))
{
	const struct cma_place place = own_region();
	const int heap = heap_open(O_RDWR);
	int kept[PIECES_MAX];
	size_t count;

	for (count = 0; count < PIECES_MAX; count++) {
		fp_context("buffer %zu, of a region of %llu MiB", count + 1,
			   (unsigned long long)(place.bytes / MIB));
		kept[count] = heap_allocate(heap, PIECE, O_RDWR | O_CLOEXEC, 0);
		if (kept[count] < 0)
			break;
		expect_inside(&place, kept[count], PIECE);
	}
	fp_context("%zu buffers of 1 MiB in %s", count, place.name);
	EXPECT_TRUE(count > 0);
	EXPECT_TRUE(count <= place.bytes / PIECE);
	while (count)
		MUST(close(kept[--count]));
}

CASE(region_heaps, "importer.region-heaps", CATALOGUE("NAME-07"), CLASS(ABI),
     STATEMENT("Each reusable region of the device tree is a heap, called as its node is, address "
	       "and all."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: add_cma_heaps(); "
	    "Documentation/userspace-api/dma-buf-heaps.rst"),
     SINCE("7.2"), NEEDS("heap cma-heap-driver regions"))
{
	struct tree_regions regions;
	char path[300];

	tree_regions_read(&regions);
	for (size_t i = 0; i < regions.count; i++) {
		fp_context("region %s", regions.names[i]);
		snprintf(path, sizeof(path), "/dev/dma_heap/%s", regions.names[i]);
		EXPECT_OK(access(path, F_OK));
	}
}
