// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "heap.h"
#include "ktap.h"

#define WAIT_MS 4000
#define LOOK_MS 10

int ion_open(void)
{
	return MUST(open(ION_NODE, O_RDONLY | O_CLOEXEC));
}

int ion_all_heaps(int ion, struct ion_heap heaps[ION_HEAPS_MAX])
{
	int count = EXPECT_OK(ion_heaps(ion, heaps));

	EXPECT_TRUE(count > 0 && count <= ION_HEAPS_MAX);
	return count;
}

struct ion_heap ion_find(int ion, const char *name)
{
	struct ion_heap heap;

	if (!ion_heap_named(ion, name, &heap))
		fp_fail(__FILE__, __LINE__, "ION_IOC_HEAP_QUERY", name, "no such heap");
	return heap;
}

uint32_t ion_mask(int ion, const char *name)
{
	return 1u << ion_find(ion, name).id;
}

uint32_t ion_free_mask(int ion)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int count = ion_all_heaps(ion, heaps);
	uint32_t mask = UINT32_MAX;

	for (int i = 0; i < count; i++)
		mask &= ~(1u << heaps[i].id);
	return mask;
}

static FILE *open_number(const char *heap, const char *file, const char *mode)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/ion/%s/%s", heap, file);
	return fopen(path, mode);
}

long long ion_number(const char *heap, const char *file)
{
	FILE *number = open_number(heap, file, "re");
	long long value = -1;

	if (!number)
		return -1;
	if (fscanf(number, "%lld", &value) != 1)
		value = -1;
	fclose(number);
	return value;
}

void ion_check_number(const char *file, int line, const char *heap, const char *name,
		      long long expected)
{
	for (int waited = 0; ion_number(heap, name) != expected && waited < WAIT_MS;
	     waited += LOOK_MS)
		usleep(LOOK_MS * 1000);
	fp_context("%s of %s", name, heap);
	fp_check_eq(file, line, "a number in debugfs", ion_number(heap, name), expected);
}

void ion_write_number(const char *heap, const char *file, long long number)
{
	FILE *place = open_number(heap, file, "we");

	EXPECT_TRUE(place != NULL);
	EXPECT_TRUE(fprintf(place, "%lld\n", number) > 0);
	EXPECT_EQ(fclose(place), 0);
}
