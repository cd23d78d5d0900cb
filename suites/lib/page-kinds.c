// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdlib.h>

#include "ktap.h"
#include "page-kinds.h"
#include "played-device.h"

static const char *const names[] = {"not mapped", "cached", "write-combined", "uncached",
				    "of another kind"};

void page_kinds_check(const char *file, int line, const char *expression, const void *at,
		      size_t pages, enum fencepost_kind kind)
{
	uint8_t *kinds = calloc(pages, 1);
	struct fencepost_protection wanted = {
		.address = (uintptr_t)at, .data = (uintptr_t)kinds, .count = (uint32_t)pages};

	EXPECT_TRUE(kinds);
	EXPECT_OK(device_ioctl(FENCEPOST_IOC_PROTECTION, &wanted));
	for (size_t i = 0; i < pages; i++)
		if (kinds[i] != kind)
			fp_failf(file, line, expression, names[kind], "%s, page %zu of %zu",
				 names[kinds[i]], i, pages);
	free(kinds);
}
