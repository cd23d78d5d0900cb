// SPDX-License-Identifier: MIT
/*
 * The heaps of ION, which kernels up to 5.10 have: drivers/staging/android/uapi/ion.h. They are
 * listed as the heaps in /dev/dma_heap that have taken their place are called.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "heaps.h"

#define ION_HEAPS_MAX  32
#define ION_NAME_BYTES 32

struct ion_heap {
	char name[ION_NAME_BYTES];
	uint32_t type;
	uint32_t id;
	uint32_t reserved[3];
};

struct ion_query {
	uint32_t count;
	uint32_t reserved0;
	uint64_t heaps;
	uint32_t reserved1, reserved2;
};

#define ION_IOC_QUERY _IOWR('I', 8, struct ion_query)

enum { ION_SYSTEM = 0, ION_DMA = 4 };

void heaps_of_ion(struct heaps *heaps)
{
	struct ion_heap found[ION_HEAPS_MAX];
	struct ion_query query = {.count = ION_HEAPS_MAX, .heaps = (uintptr_t)found};
	int ion = open("/dev/ion", O_RDONLY | O_CLOEXEC);

	heaps->count = 0;
	if (ion < 0)
		return;
	if (ioctl(ion, ION_IOC_QUERY, &query))
		query.count = 0;
	close(ion);
	for (uint32_t i = 0; i < query.count && i < ION_HEAPS_MAX; i++) {
		const char *name = found[i].type == ION_SYSTEM ? "system" : found[i].name;

		/* Those of other types have no counterpart. */
		if (found[i].type == ION_SYSTEM || found[i].type == ION_DMA)
			snprintf(heaps->names[heaps->count++], sizeof(heaps->names[0]), "ion:%.*s",
				 ION_NAME_BYTES, name);
	}
}
