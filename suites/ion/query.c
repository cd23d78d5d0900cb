// SPDX-License-Identifier: MIT
/* ION_IOC_HEAP_QUERY: which heaps there are. */
#include <string.h>
#include <unistd.h>

#include "cma-area.h"
#include "device.h"
#include "guarded.h"
#include "heap.h"
#include "ktap.h"

#define QUERY ION_SOURCE("ion_query_heaps(), validate_ioctl_arg()"), ION_CASE

CASE(count, "ion.query.count", CATALOGUE("ION-01"), CLASS(ABI),
     STATEMENT("A query without a place for heaps tells how many there are, whatever count it came "
	       "with."),
     QUERY)
{
	static const uint32_t counts[] = {0, 1, 1000, UINT32_MAX};
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), there = ion_all_heaps(ion, heaps);

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct ion_query query = {.count = counts[i]};

		EXPECT_EQ(EXPECT_OK(raw_ioctl(ion, ION_IOC_QUERY, &query)), 0);
		EXPECT_EQ(query.count, there);
	}
}

CASE(fill, "ion.query.fill", CATALOGUE("ION-01"), CLASS(ABI),
     STATEMENT("A query fills as many entries as there is room for, at most as there are heaps, "
	       "always the same ones, and tells how many."),
     QUERY)
{
	struct ion_heap all[ION_HEAPS_MAX];
	int ion = ion_open(), there = ion_all_heaps(ion, all);

	for (int room = 1; room <= there + 2; room++) {
		int filled = room < there ? room : there;
		/* What is written past the last entry is a fault. */
		struct ion_heap *heaps = guarded((size_t)filled * sizeof(*heaps));
		struct ion_query query = {.count = (uint32_t)room, .heaps = (uintptr_t)heaps};

		fp_context("room for %d of %d", room, there);
		EXPECT_EQ(EXPECT_OK(raw_ioctl(ion, ION_IOC_QUERY, &query)), 0);
		EXPECT_EQ(query.count, filled);
		EXPECT_EQ(query.heaps, (uintptr_t)heaps);
		EXPECT_EQ(memcmp(heaps, all, (size_t)filled * sizeof(*heaps)), 0);
	}
}

CASE(room_zero, "ion.query.room-zero", CATALOGUE("ION-01"), CLASS(ABI),
     STATEMENT("A query with a place for heaps and a count of 0, or a negative one, is EINVAL or "
	       "tells of no more heaps than there are."),
     QUERY)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	struct ion_query query = {.heaps = (uintptr_t)heaps};
	int ion = ion_open(), there = ion_all_heaps(ion, heaps);

	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_QUERY, &query), EINVAL);
	query.count = UINT32_MAX;
	EXPECT_OK(raw_ioctl(ion, ION_IOC_QUERY, &query));
	EXPECT_TRUE(query.count <= (uint32_t)there);
}

CASE(reserved, "ion.query.reserved", CATALOGUE("ION-01"), CLASS(ABI),
     STATEMENT("A query with a reserved field set is EINVAL."), QUERY)
{
	const struct ion_query queries[] = {
		{.reserved0 = 1},
		{.reserved1 = 1},
		{.reserved2 = 1u << 31},
	};
	int ion = ion_open();

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct ion_query query = queries[i];

		fp_context("reserved%zu", i);
		EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_QUERY, &query), EINVAL);
	}
}

CASE(bad_place, "ion.query.bad-place", CATALOGUE("ION-01"), CLASS(ABI),
     STATEMENT("A query whose place for heaps, or whose argument, cannot be written, or read, is "
	       "EFAULT."),
     QUERY)
{
	const struct ion_query plain = {.count = 1};
	struct ion_query query = {.count = 1, .heaps = (uintptr_t)unreachable()};
	int ion = ion_open();

	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_QUERY, &query), EFAULT);
	/* The second entry's place. */
	query.heaps = (uintptr_t)guarded(sizeof(struct ion_heap));
	query.count = 2;
	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_QUERY, &query), EFAULT);
	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_QUERY, unreachable()), EFAULT);
	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_QUERY, read_only(&plain, sizeof(plain))), EFAULT);
}

CASE(heaps, "ion.query.heaps", CATALOGUE("ION-02"), CLASS(ABI),
     STATEMENT("There are the system heap, the contiguous one and one for each CMA area, each with "
	       "its type, an id below 32 of its own and a terminated name; what follows that, and "
	       "reserved fields, are 0."),
     SOURCE("drivers/staging/android/ion/ion_system_heap.c: ion_system_heap_create(), "
	    "ion_system_contig_heap_create(); drivers/staging/android/ion/ion_cma_heap.c: "
	    "ion_add_cma_heaps()"),
     ION_CASE)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	struct cma_areas areas;
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);
	unsigned int of_areas = 0;
	uint32_t ids = 0;

	for (int i = 0; i < count; i++) {
		EXPECT_TRUE(memchr(heaps[i].name, '\0', ION_NAME_BYTES) != NULL);
		for (size_t j = strlen(heaps[i].name); j < ION_NAME_BYTES; j++)
			EXPECT_EQ(heaps[i].name[j], 0);
		fp_note("heap %u: %s, type %u", heaps[i].id, heaps[i].name, heaps[i].type);
		EXPECT_TRUE(heaps[i].id < 32 && !(ids & 1u << heaps[i].id));
		EXPECT_EQ(heaps[i].reserved[0] | heaps[i].reserved[1] | heaps[i].reserved[2], 0);
		ids |= 1u << heaps[i].id;
		of_areas += heaps[i].type == ION_DMA;
	}
	EXPECT_EQ(ion_find(ion, ION_SYSTEM_HEAP).type, ION_SYSTEM);
	EXPECT_EQ(ion_find(ion, ION_CONTIG_HEAP).type, ION_SYSTEM_CONTIG);
	cma_areas_read(&areas);
	for (unsigned int i = 0; i < areas.count; i++)
		EXPECT_EQ(ion_find(ion, areas.names[i]).type, ION_DMA);
	if (areas.count)
		EXPECT_EQ(of_areas, areas.count);
}
