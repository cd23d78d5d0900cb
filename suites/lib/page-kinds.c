// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdlib.h>

#include "ktap.h"
#include "page-kinds.h"
#include "played-device.h"

static const char *const names[] = {"not mapped", "cached", "write-combined", "uncached",
				    "of another kind"};

/* Of each page, enum fencepost_kind. To be freed. */
static uint8_t *look(const void *at, size_t pages)
{
	uint8_t *kinds = calloc(pages, 1);
	struct fencepost_protection wanted = {
		.address = (uintptr_t)at, .data = (uintptr_t)kinds, .count = (uint32_t)pages};

	EXPECT_TRUE(kinds);
	EXPECT_OK(device_ioctl(FENCEPOST_IOC_PROTECTION, &wanted));
	return kinds;
}

void page_kinds_check(const char *file, int line, const char *expression, const void *at,
		      size_t pages, enum fencepost_kind kind)
{
	uint8_t *kinds = look(at, pages);

	for (size_t i = 0; i < pages; i++)
		if (kinds[i] != kind)
			fp_failf(file, line, expression, names[kind], "%s, page %zu of %zu",
				 names[kinds[i]], i, pages);
	free(kinds);
}

const char *page_kinds(const void *at, size_t pages)
{
	uint8_t *kinds = look(at, pages);
	const char *name = names[kinds[0]];

	for (size_t i = 1; i < pages; i++)
		if (kinds[i] != kinds[0])
			name = "mixed";
	free(kinds);
	return name;
}
