// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "buffer-pages.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

uint64_t *buffer_pages(int buffer, size_t bytes)
{
	uint32_t held = kernel_hold(buffer), count = (uint32_t)(bytes / page_size());
	uint64_t *pages = calloc(count, sizeof(*pages));

	EXPECT_TRUE(pages);
	kernel_vmap(held);
	kernel_pages(held, pages, count);
	kernel_vunmap(held);
	kernel_let_go(held);
	return pages;
}
