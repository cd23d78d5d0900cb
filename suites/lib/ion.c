// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "heap.h"
#include "ion.h"
#include "ktap.h"

#define PREFIX "ion:"

const char *ion_subject(void)
{
	return strncmp(fp_subject(), PREFIX, strlen(PREFIX)) ? NULL : fp_subject() + strlen(PREFIX);
}

int ion_heaps(int ion, struct ion_heap *heaps)
{
	struct ion_query query = {.count = ION_HEAPS_MAX, .heaps = (uintptr_t)heaps};

	return raw_ioctl(ion, ION_IOC_QUERY, &query) ? -1 : (int)query.count;
}

bool ion_heap_named(int ion, const char *name, struct ion_heap *heap)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int count = ion_heaps(ion, heaps);

	for (int i = 0; i < count; i++) {
		if (strncmp(heaps[i].name, name, ION_NAME_BYTES))
			continue;
		*heap = heaps[i];
		return true;
	}
	return false;
}

int ion_allocate(int ion, uint64_t len, uint32_t heap_mask, uint32_t flags)
{
	struct ion_allocation allocation = {.len = len, .heap_mask = heap_mask, .flags = flags};

	return raw_ioctl(ion, ION_IOC_ALLOC, &allocation) ? -1 : (int)allocation.fd;
}

int ion_subject_allocate(int ion, uint64_t len)
{
	const char *name = ion_subject();
	struct ion_heap heap;

	if (!ion_heap_named(ion, strcmp(name, "system") ? name : ION_SYSTEM_HEAP, &heap)) {
		errno = ENODEV;
		return -1;
	}
	/* Cached, as the heaps that have taken ION's place are. */
	return ion_allocate(ion, len, 1u << heap.id, ION_CACHED);
}
